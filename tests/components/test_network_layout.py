"""What anybody may rely on about addresses."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network_layout import LARGEST_PREFIX, LETTERS, SMALLEST_PREFIX, ZoneLayout, layout, usable

ZONES = st.lists(st.sampled_from([f"us-east-1{letter}" for letter in LETTERS]), min_size=1, unique=True)
SMALLEST_AWS_SUBNET = 28


@st.composite
def vpcs(draw: st.DrawFn) -> IPv4Network:
    prefix = draw(st.integers(LARGEST_PREFIX, SMALLEST_PREFIX))
    base = int(IPv4Network("10.0.0.0/8").network_address)
    slot = draw(st.integers(0, 2 ** (prefix - 8) - 1))
    return IPv4Network((base + slot * 2 ** (32 - prefix), prefix))


def subnets(plan: dict[str, ZoneLayout]) -> list[IPv4Network]:
    return [network for zone in plan.values() for network in (zone.private, zone.public, zone.intra)]


@given(vpcs(), ZONES)
def test_subnets_lie_inside_the_vpc_and_never_overlap(cidr: IPv4Network, zones: list[str]) -> None:
    every = subnets(layout(cidr, zones))
    assert all(network.subnet_of(cidr) for network in every)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(every, 2))


@given(vpcs(), ZONES, st.randoms())
def test_adding_removing_and_reordering_zones_moves_nobodys_addresses(
    cidr: IPv4Network, zones: list[str], random: Random
) -> None:
    whole = layout(cidr, zones)
    some = random.sample(zones, random.randint(1, len(zones)))
    assert layout(cidr, some) == {zone: whole[zone] for zone in some}


@given(vpcs(), ZONES)
def test_nodes_and_pods_get_an_eighth_of_the_vpc_in_every_zone(cidr: IPv4Network, zones: list[str]) -> None:
    for zone in layout(cidr, zones).values():
        assert usable(zone.private) == cidr.num_addresses // 8 - 5


@given(vpcs(), ZONES)
def test_no_subnet_is_smaller_than_aws_allows(cidr: IPv4Network, zones: list[str]) -> None:
    assert all(network.prefixlen <= SMALLEST_AWS_SUBNET for network in subnets(layout(cidr, zones)))


@pytest.mark.parametrize("cidr", ["10.0.0.0/15", "10.0.0.0/21"])
def test_a_range_that_cannot_be_divided_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError, match="must be from /16 to /20"):
        layout(IPv4Network(cidr), ["us-east-1a"])
