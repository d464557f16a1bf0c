"""Rules on pools and their zones that are the same on every cloud; each rulebook takes them in at its own place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol


class Network(Protocol):
    """What the rules read of a network."""

    @property
    def zones(self) -> tuple[str, ...]: ...


class Pool(Protocol):
    """What the rules read of an accelerator pool."""

    @property
    def zone(self) -> str: ...


class SystemPool(Protocol):
    """What the rules read of a pool of CPU nodes."""

    @property
    def zones(self) -> tuple[str, ...] | None: ...
    @property
    def dedicated(self) -> bool: ...
    @property
    def nodes(self) -> int: ...


class FileSystem(Protocol):
    """What the rules read of a file system."""

    @property
    def namespaces(self) -> tuple[str, ...]: ...


SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "jobset-system", "kueue-system")
JOB_NAMESPACES = ("benchmark-", "training-", "preprocess-", "search-", "evaluation-")
"""Namespaces that jobs make for themselves are called so, then by pool or job."""


def not_a_zone(zone: str, network: Network) -> str:
    """The first half of a sentence about a zone that the network lacks."""
    return f"{zone} is not one of network.zones ({', '.join(network.zones)})."


def pools_stand_in_zones_of_the_network(network: Network, pools: Mapping[str, Pool]) -> Iterator[str]:
    for name, pool in pools.items():
        if pool.zone not in network.zones:
            yield f"`pools[{name}].zone`: {not_a_zone(pool.zone, network)} Add it there or move the pool."


def system_pools_stand_in_zones_of_the_network(
    network: Network, system_pools: Mapping[str, SystemPool]
) -> Iterator[str]:
    for name, pool in system_pools.items():
        for index, zone in enumerate(pool.zones or ()):
            if zone not in network.zones:
                where = f"`system-pools[{name}].zones[{index}]`"
                yield f"{where}: {not_a_zone(zone, network)} Add it there or take it out here."


def pool_names_are_unique(pools: Mapping[str, Pool], system_pools: Mapping[str, SystemPool]) -> Iterator[str]:
    for name in pools.keys() & system_pools.keys():
        yield f"`pools[{name}]`: system-pools has a pool of that name too. Rename one: the name is the pools' label."


def services_have_a_place(system_pools: Mapping[str, SystemPool]) -> Iterator[str]:
    if all(pool.dedicated or not pool.nodes for pool in system_pools.values()):
        yield (
            "`system-pools`: no pool is open to the cluster's own services (DNS, agents). Give one at least one node "
            "and leave `dedicated` out."
        )


def claims_have_namespaces_of_their_own(file_system: FileSystem) -> Iterator[str]:
    """A namespace with a claim is made for it: it cannot be one that the cluster or a job makes."""
    for index, name in enumerate(file_system.namespaces):
        where = f"`file-system.namespaces[{index}]`"
        if name in SYSTEM_NAMESPACES:
            yield f"{where}: {name} belongs to the cluster. Give pods that mount a namespace of their own."
        elif name.startswith(JOB_NAMESPACES):
            yield (
                f"{where}: {name} is what a job's own namespace is called, and a job finds the file system there by "
                "itself. Take it out or choose another name."
            )
