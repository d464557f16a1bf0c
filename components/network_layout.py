"""How the address range of a VPC is divided: pure arithmetic, no cloud.

The range is cut into eight equal slots. Slot 0 holds the small subnets of all zones, slots 1 to 7 are the private
subnets of the zones a to g: a subnet depends on the range and on the letter of its zone alone, so adding, removing or
reordering zones never moves another zone's addresses. Nodes and pods live in the private subnets; the public ones carry
NAT gateways and load balancers; the intra ones, which have no way out, carry the interfaces of the control plane.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

LETTERS = "abcdefg"
SLOT_BITS = 3
"""2^3 slots: one for the small subnets and seven zones; no AWS region has more than six."""

LARGEST_PREFIX, SMALLEST_PREFIX = 16, 20
"""A VPC may not be larger than /16; below /20 the intra subnets would be smaller than the /28 that AWS demands.
Amazon VPC User Guide, "VPC CIDR blocks" and "Subnet CIDR blocks"."""

RESERVED_ADDRESSES = 5
"""AWS keeps the first four and the last address of every subnet."""


@dataclass(frozen=True)
class ZoneLayout:
    """The subnets of one zone. Sizes for a /16: private /19, public /23, intra /24."""

    zone: str
    private: IPv4Network
    public: IPv4Network
    intra: IPv4Network


def layout(cidr: IPv4Network, zones: Iterable[str]) -> dict[str, ZoneLayout]:
    """Subnets by zone, in the order given. Raises ValueError for a range or a zone letter that does not fit."""
    if not LARGEST_PREFIX <= cidr.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"{cidr} must be from /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}")
    shared, *slots = cidr.subnets(prefixlen_diff=SLOT_BITS)
    small = list(shared.subnets(prefixlen_diff=SLOT_BITS))
    plan = {}
    for zone in zones:
        position = LETTERS.index(zone[-1])
        public, rest = small[position].subnets()
        intra, _spare = rest.subnets()
        plan[zone] = ZoneLayout(zone, private=slots[position], public=public, intra=intra)
    return plan


def usable(network: IPv4Network) -> int:
    """Addresses of a subnet that machines can get."""
    return network.num_addresses - RESERVED_ADDRESSES
