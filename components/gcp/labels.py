"""Labels of Google resources: who owns a thing, and what it costs and draws.

The same facts as `components.tags` in Google's character set: keys and values of lower-case letters, digits, dashes and
underscores, at most 63 (Resource Manager documentation, "Requirements for labels"). The four of the site are the
provider's default labels; component and pool are given at the resource. Nodes get all of them, because default labels
do not reach what a node pool makes; GKE changes resource labels of a running pool in place: a new price rolls no node.
"""

from __future__ import annotations

import re
from decimal import Decimal

from components import tags
from components.site import Site

LONGEST = 63


def value(text: str) -> str:
    """Any text as a label value: `1.35` -> `1-35`, `8x NVIDIA H200 SXM` -> `8x-nvidia-h200-sxm`."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")[:LONGEST]


def _converted(found: dict[str, str]) -> dict[str, str]:
    return {key.replace(tags.PREFIX, "dc-"): value(text) for key, text in found.items() if key != "Name"}


def identity(site: Site) -> dict[str, str]:
    """Labels of the site: the provider's default labels."""
    return _converted(tags.identity(site))


def component(part: str, *, pool: str | None = None) -> dict[str, str]:
    """Labels of a resource of a component."""
    return _converted(tags.component(part, pool=pool))


def complete(site: Site, part: str, *, pool: str | None = None) -> dict[str, str]:
    """Identity and component labels together, for places that default labels do not reach."""
    return identity(site) | component(part, pool=pool)


def derived(
    *, usd_per_hour: Decimal | None, purchase: str, power_kw_max: float | None, accelerator: str | None
) -> dict[str, str]:
    """Cost and power labels of one node, or of one file system. What is not known says so; it is never 0."""
    return _converted(
        tags.derived(usd_per_hour=usd_per_hour, purchase=purchase, power_kw_max=power_kw_max, accelerator=accelerator)
    )
