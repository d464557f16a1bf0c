"""Carbon intensity and efficiency of cloud regions.

The intensity is location based: the average of the grid that the region draws from. What a provider reports after
buying certificates (market based) is another figure and is not here. Years differ between rows: show year and method.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from catalog.source import cite, sources
from catalog.table import Row, rows


@dataclass(frozen=True, slots=True)
class RegionCarbon:
    """One region of one provider."""

    g_per_kwh: float
    """Grams of CO2 equivalent per kWh drawn from the grid."""
    pue: float | None
    """Power usage effectiveness of the region; None: not published, see `pue`."""
    wue_l_per_kwh: float | None
    """Litres of water per kWh."""
    year: int
    method: str
    source: str


@dataclass(frozen=True, slots=True)
class Pue:
    """Power usage effectiveness and what it is the figure of."""

    value: float
    scope: str
    """"region", or what stands in for it: "global average stated by AWS"."""
    year: int
    source: str


@cache
def _region_rows() -> dict[tuple[str, str], Row]:
    return {(row.values["provider"], row.values["region"]): row for row in rows("region_carbon")}


@cache
def factors() -> dict[str, float]:
    """Grams of CO2 equivalent a kWh by region, of every cloud: no two of them name a region alike."""
    return {name: row.number("g_co2e_per_kwh") for (_, name), row in sorted(_region_rows().items())}


@cache
def region(provider: str, name: str) -> RegionCarbon | None:
    """A region by provider ("aws", "gcp") and name; None when no source has it."""
    row = _region_rows().get((provider, name))
    if row is None:
        return None
    return RegionCarbon(
        g_per_kwh=row.number("g_co2e_per_kwh"),
        pue=row.maybe_number("pue"),
        wue_l_per_kwh=row.maybe_number("wue_l_per_kwh"),
        year=row.integer("year"),
        method=row.text("method"),
        source=cite(row.text("source_id")),
    )


@cache
def pue(provider: str, name: str) -> Pue | None:
    """The PUE of a region, else the global average that the provider states; None for an unknown provider."""
    known = region(provider, name)
    if known and known.pue is not None:
        return Pue(known.pue, "region", known.year, known.source)
    for row in rows("provider_pue"):
        if row.text("provider") == provider:
            source = row.text("source")
            citation = cite(source) if source in sources else source
            return Pue(row.number("pue"), row.text("scope"), row.integer("year"), citation)
    return None
