"""Rules between the sections of a stack file; rules within a section belong to its spec.

A rule is a function whose parameters are named after the sections it reads; it runs when all of them are valid, so one
mistake does not hide another. It yields sentences.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from components.accelerator_pool import AcceleratorPoolSpec
from components.cluster import ClusterSpec
from components.cluster_addons import ADDRESSES_PER_NODE
from components.network import NetworkSpec
from components.network_layout import layout, usable
from components.system_pool import SystemPoolSpec

Pools = Mapping[str, AcceleratorPoolSpec]
SystemPools = Mapping[str, SystemPoolSpec]
Rule = Callable[..., Iterator[str]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def broken(sections: Mapping[str, Any]) -> list[str]:
    """Sentences of all rules whose sections are all at hand."""
    found: list[str] = []
    for function in RULES:
        wanted = inspect.signature(function).parameters
        if all(sections.get(name) is not None for name in wanted):
            found.extend(function(**{name: sections[name] for name in wanted}))
    return found


@rule
def zones_lie_in_the_region(region: str, network: NetworkSpec) -> Iterator[str]:
    for index, zone in enumerate(network.zones):
        if zone[:-1] != region:
            yield f"`network.zones[{index}]`: {zone} is not in {region}. Change it or `aws:region`."


@rule
def pools_stand_in_zones_of_the_network(network: NetworkSpec, pools: Pools) -> Iterator[str]:
    for name, pool in pools.items():
        if pool.zone not in network.zones:
            yield f"`pools[{name}].zone`: {_not_a_zone(pool.zone, network)} Add it there or move the pool."


@rule
def system_pools_stand_in_zones_of_the_network(network: NetworkSpec, system_pools: SystemPools) -> Iterator[str]:
    for name, pool in system_pools.items():
        for index, zone in enumerate(pool.zones or ()):
            if zone not in network.zones:
                where = f"`system-pools[{name}].zones[{index}]`"
                yield f"{where}: {_not_a_zone(zone, network)} Add it there or take it out here."


@rule
def the_control_plane_spans_two_zones(network: NetworkSpec, cluster: ClusterSpec) -> Iterator[str]:
    if cluster.zones is None and len(network.zones) < 2:
        yield f"`network.zones`: EKS needs two zones, {', '.join(network.zones)} is one. Add another of the region."
    for index, zone in enumerate(cluster.zones or ()):
        if zone not in network.zones:
            yield f"`cluster.zones[{index}]`: {_not_a_zone(zone, network)} Add it there or choose another."


@rule
def pool_names_are_unique(pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    for name in pools.keys() & system_pools.keys():
        yield f"`pools[{name}]`: system-pools has a pool of that name too. Rename one: the name is the pools' label."


@rule
def services_have_a_place(system_pools: SystemPools) -> Iterator[str]:
    if all(pool.dedicated or not pool.nodes for pool in system_pools.values()):
        yield (
            "`system-pools`: no pool is open to the cluster's own services (DNS, agents). Give one at least one node "
            "and leave `dedicated` out."
        )


@rule
def private_subnets_hold_the_nodes(network: NetworkSpec, pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    for zone, subnets in layout(network.cidr, network.zones).items():
        nodes = sum(pool.largest for pool in pools.values() if pool.zone == zone)
        nodes += sum(pool.largest for pool in system_pools.values() if zone in (pool.zones or network.zones))
        need, room = nodes * ADDRESSES_PER_NODE, usable(subnets.private)
        if need > room:
            yield (
                f"`network.cidr`: {network.cidr} gives {room} addresses to the private subnet of {zone}, {nodes} nodes "
                f"need {need} ({ADDRESSES_PER_NODE} each). Give a larger range or move pools to other zones."
            )


def _not_a_zone(zone: str, network: NetworkSpec) -> str:
    return f"{zone} is not one of network.zones ({', '.join(network.zones)})."
