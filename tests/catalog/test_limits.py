"""Limits that stack files are held to."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import limits, lustre

TIERS = lustre.tiers()


def test_a_capacity_block_runs_days_to_a_fortnight_then_whole_weeks_to_half_a_year() -> None:
    days = limits["capacity-block-days"]
    allowed = [day for day in range(-1, 400) if days.allows(day)]
    assert allowed == [*range(1, 15), *range(21, 183, 7)]
    assert days.describe() == "1, 2, ..., 14, then multiples of 7 up to 182 days"
    assert days.nearest(16) == (14, 21)


@pytest.mark.parametrize("name", ["vpc-prefix", "subnet-prefix"])
def test_networks_are_between_16_and_28_bits(name: str) -> None:
    assert [bits for bits in range(33) if limits[name].allows(bits)] == list(range(16, 29))


def test_gp3_limits_are_those_of_the_api_of_2026() -> None:
    found = [(limits[name].minimum, limits[name].maximum) for name in ("gp3-size", "gp3-iops", "gp3-throughput")]
    assert found == [(1, 65536), (3000, 80000), (125, 2000)]
    assert limits["gp3-iops"].date == "2026-08"
    assert not limits["gp3-iops-per-gib"].verified


def test_metadata_iops_are_single_values_then_steps() -> None:
    iops = limits["fsx-lustre-metadata-iops"]
    allowed = [value for value in range(0, 200000, 500) if iops.allows(value)]
    assert allowed == [1500, 3000, 6000, *range(12000, 192001, 12000)]


@given(st.sampled_from(sorted(limits)), st.integers(-10, 3_000_000))
def test_the_nearest_allowed_values_are_allowed_and_enclose_the_number(name: str, number: int) -> None:
    limit = limits[name]
    nearest = limit.nearest(number)
    assert nearest
    assert all(limit.allows(value) for value in nearest)
    if limit.allows(number):
        assert nearest == (number,)
    elif len(nearest) == 2:
        assert nearest[0] < number < nearest[1]


@given(st.sampled_from(sorted(limits)))
def test_every_limit_says_in_words_what_it_allows(name: str) -> None:
    limit = limits[name]
    assert limit.describe().endswith(limit.unit)
    assert limit.source and limit.date


@pytest.mark.parametrize(("deployment", "storage", "expected"), [
    ("PERSISTENT_1", "SSD", (50, 100, 200)), ("PERSISTENT_1", "HDD", (12, 40)),
    ("PERSISTENT_2", "SSD", (125, 250, 500, 1000)), ("SCRATCH_2", "SSD", ()),
])  # fmt: skip
def test_lustre_throughputs_on_offer(deployment: str, storage: str, expected: tuple[int, ...]) -> None:
    assert lustre.throughputs(deployment, storage) == expected


@pytest.mark.parametrize(("throughput", "step"), [(125, 38400), (250, 19200), (500, 9600), (1000, 4800)])
def test_lustre_with_efa_comes_in_big_steps(throughput: int, step: int) -> None:
    tier = lustre.tier("PERSISTENT_2", "SSD", throughput, efa=True)
    assert tier and list(islice(tier.capacities(), 3)) == [step, 2 * step, 3 * step]
    assert not tier.capacity.allows(1200)
    assert tier.capacity.describe() == f"multiples of {step} GiB"


def test_lustre_without_efa_starts_small() -> None:
    tier = lustre.tier("PERSISTENT_2", "SSD", 125)
    assert tier and list(islice(tier.capacities(), 4)) == [1200, 2400, 4800, 7200]
    assert tier.capacity.nearest(3000) == (2400, 4800)
    assert not tier.capacity.allows(0)


def test_what_aws_does_not_offer_together_is_no_tier() -> None:
    assert lustre.tier("PERSISTENT_1", "SSD", 50, efa=True) is None
    assert lustre.tier("PERSISTENT_2", "SSD", 200) is None
    assert lustre.tier("PERSISTENT_2", "HDD", 12) is None


@given(st.sampled_from(TIERS), st.integers(1, 500_000))
def test_a_capacity_is_allowed_exactly_when_it_is_listed(tier: lustre.LustreTier, number: int) -> None:
    listed = any(value == number for value in islice(tier.capacities(), 500) if value <= number)
    assert tier.capacity.allows(number) is listed
