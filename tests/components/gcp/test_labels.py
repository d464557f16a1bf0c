"""Labels keep to Google's character set, whatever they say."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from components.gcp import labels
from components.site import Site, SiteSpec

LEGAL = re.compile(r"[a-z0-9_-]{0,63}")


@given(st.text(max_size=200))
def test_any_text_becomes_a_legal_value(text: str) -> None:
    assert LEGAL.fullmatch(labels.value(text))


def test_a_node_says_whose_it_is_and_what_it_costs() -> None:
    spec = SiteSpec(name="aidc", environment="production", owner="platform", cost_center="research")
    made = labels.complete(Site(spec, "p", "r"), "tpu-pool", pool="v6e") | labels.derived(
        usd_per_hour=Decimal("10.80"), purchase="spot", power_kw_max=None, accelerator="8x NVIDIA H200 SXM"
    )
    assert made == {
        "dc-site": "aidc",
        "dc-environment": "production",
        "dc-owner": "platform",
        "dc-cost-center": "research",
        "dc-component": "tpu-pool",
        "dc-pool": "v6e",
        "dc-usd-per-hour": "10-8",
        "dc-purchase": "spot",
        "dc-power-kw-max": "unknown",
        "dc-accelerator": "8x-nvidia-h200-sxm",
    }
