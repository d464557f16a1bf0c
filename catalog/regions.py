"""Regions and zones that the tables name: whatever is in none of them is taken for a mistake."""

from __future__ import annotations

import re
from functools import cache

from catalog.table import rows

TABLES = {
    "aws": (
        ("eks_image_registries", "region"),
        ("aws_data_transfer_prices", "region"),
    ),
    "gcp": (
        ("gcp_service_prices", "region"),
        ("gcp_tpu_prices", "region"),
    ),
}
"""The smallest tables and columns that hold all regions, by provider."""
GCP_PLACES = frozenset({"us", "eu", "asia", "europe", "global", "nam4", "eur4", "asia1", "northamerica"})
"""Google's multi-regions and dual regions, as buckets, registries and data sets name them."""


REGION = re.compile(r"[a-z]+(?:-[a-z]+)+-\d+")
"""How the name of an AWS region looks; that of a zone begins with it."""


def local_zone(zone: str) -> bool:
    """Whether it names a Local or Wavelength Zone of AWS (us-west-2-lax-1a): its prices are not those of the region."""
    found = REGION.match(zone)
    return bool(found) and zone[found.end() :].startswith("-")


def parent(place: str) -> str:
    """The AWS region of a zone; what is none stays what it is."""
    found = REGION.match(place)
    return found[0] if found and place[found.end() :][:1] in ("", "-") else place


@cache
def known_regions(provider: str) -> frozenset[str]:
    """Regions of "aws" or "gcp"; for Google its multi-regions too."""
    found = {row.values[column] for table, column in TABLES[provider] for row in rows(table)}
    found |= {row.values["region"] for row in rows("region_carbon") if row.values["provider"] == provider}
    return frozenset(found | (GCP_PLACES if provider == "gcp" else set()))


@cache
def google_zones(region: str) -> tuple[str, ...]:
    """Zones of a region of Google's, those with TPUs alone among them; none for a region that the table lacks."""
    letters = [row.text("zones") for row in rows("gcp_zones") if row.values["region"] == region]
    found = {f"{region}-{letter}" for row in letters for letter in row.split(";")}
    further = {row.text("zone") for row in rows("gcp_tpu_zones")}
    return tuple(sorted(found | {zone for zone in further if letters and zone.rpartition("-")[0] == region}))
