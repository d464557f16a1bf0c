"""Google Kubernetes Engine: cluster fee and node pools. A regional location has three zones unless it names them.

A pool without a size has three machines in each zone, and machines without a type are e2-medium with 100 GB of
pd-standard, as other tools count. Unlike infracost, no default pool is added to a cluster that declares its own pools:
GKE makes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from catalog import tpus
from cost.book import gcp_place
from cost.rates.gcp_machines import GoogleMachine, accelerators, machines
from cost.rates.machines import Size
from cost.registry import rate
from cost.subject import Found, Subject, known, number
from plan import Unknown

CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
SPECIFIC = "SPECIFIC_RESERVATION"
ZONES, NODES, DISK_GB = 3, Decimal(3), Decimal(100)
Settings = Mapping[str, Any]


@rate(CLUSTER)
def cluster(it: Subject) -> Iterator[Found]:
    service = "google_container_cluster"
    if it.flag("enableAutopilot"):
        yield it.hours("Autopilot", it.gcp(service, "Autopilot"), what="cluster")
        for item, key in (
            ("Autopilot vCPU", "autopilot_vcpu_count"),
            ("Autopilot memory", "autopilot_memory_gb"),
            ("Autopilot ephemeral storage", "autopilot_ephemeral_storage_gb"),
        ):
            yield from it.used(item, key, it.gcp(service, item))
        return
    price = it.gcp(service, "Cluster management fee") or it.gcp(service, "Cluster management fee", "us-central1")
    yield it.hours("Cluster management fee", price, what="cluster")
    own = it.entries("nodePools")
    zones = _zones(it.resource.inputs, it.text("location"))
    for number_of, pool in enumerate(own):
        given = it.usage.given(f"node_pool[{number_of}].nodes")
        here = _zones(pool, it.text("location")) if pool.get("nodeLocations") else zones
        yield from _pool(it, pool, given.base if given else None, here, prefix=f"node_pool[{number_of}]")
    if not own and not it.flag("removeDefaultNodePool"):
        given = it.usage.given("nodes")
        pool = {"nodeConfig": it.value("nodeConfig"), "initialNodeCount": it.value("initialNodeCount")}
        yield from _pool(it, pool, given.base if given else None, zones, prefix="default_pool")


@rate(POOL)
def node_pool(it: Subject) -> Iterator[Found]:
    owner = it.referred("cluster", CLUSTER)
    settings: Settings = owner.inputs if owner else {}
    location = it.text("location") or str(settings.get("location") or "")
    at = it
    if owner and not it.text("location"):
        at = it.placed(gcp_place(settings) or it.region)
    zones = _zones(settings or it.resource.inputs, location)
    if it.entries("nodeLocations") or it.count("nodeLocations"):
        zones = it.count("nodeLocations") or zones
    given = it.usage.given("nodes")
    yield from _pool(at, known(dict(it.resource.inputs)), given.base if given else None, zones)


def _zones(settings: Settings, location: str) -> int:
    """Zones that machines run in: those named, else one for a zone and three for a region."""
    named = settings.get("nodeLocations")
    zonal = location.count("-") == 2
    if isinstance(named, list) and named:
        unknown = sum(isinstance(zone, Unknown) for zone in named)
        names = {str(zone) for zone in named if not isinstance(zone, Unknown)}
        return unknown + len(names | ({location} if zonal else set()))
    return 1 if zonal else ZONES


def _pool(it: Subject, pool: Settings, given: Decimal | None, zones: int, *, prefix: str = "") -> Iterator[Found]:
    config = pool.get("nodeConfig") or {}
    kind = str(config.get("machineType") or "e2-medium")
    size = _size(pool, given, zones, kind)
    disk = (str(config.get("diskType") or "pd-standard"), number(config.get("diskSizeGb") or DISK_GB, "diskSizeGb"))
    machine = GoogleMachine(
        machine_type=kind,
        spot=bool(config.get("preemptible") or config.get("spot")),
        sold=_sold(config),
        disks=[disk],
        local_ssds=_local_ssds(config),
        accelerators=accelerators(config.get("guestAccelerators") or []),
    )
    yield from machines(it, machine, size, prefix=prefix)


def _local_ssds(config: Settings) -> Decimal:
    """Disks however they are used: as volumes, as scratch space, as raw blocks."""
    counts = [config.get("localSsdCount")]
    for key in ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig"):
        used = config.get(key)
        counts.append(used.get("localSsdCount") if isinstance(used, Mapping) else None)
    return sum((number(count, "localSsdCount") for count in counts if count is not None), Decimal(0))


def _sold(config: Settings) -> str:
    """How the machines are bought, beside on demand and spot."""
    affinity = config.get("reservationAffinity")
    kind = affinity.get("consumeReservationType") if isinstance(affinity, Mapping) else None
    return "flex-start" if config.get("flexStart") is True else "reservation" if kind == SPECIFIC else ""


def _size(pool: Settings, given: Decimal | None, zones: int, kind: str) -> Size:
    """Machines of a pool. A multi-host TPU slice has as many as its topology needs."""
    scaling = pool.get("autoscaling") or {}
    placement = pool.get("placementPolicy") or {}
    topology = placement.get("tpuTopology") if isinstance(placement, Mapping) else None
    count = given
    if count is None and scaling.get("minNodeCount") is not None:
        count = number(scaling["minNodeCount"], "autoscaling.minNodeCount")
    elif count is None and scaling.get("totalMinNodeCount") is not None:
        count, zones = number(scaling["totalMinNodeCount"], "autoscaling.totalMinNodeCount"), 1
    for key in ("nodeCount", "initialNodeCount"):
        if count is None and pool.get(key) is not None:
            count = number(pool[key], key)
    if count is None and kind in tpus and isinstance(topology, str):
        count, zones = Decimal(tpus[kind].topologies.get(topology, 1)), 1
    total = (count if count is not None else NODES) * zones
    most = scaling.get("maxNodeCount")
    return Size(total, total, max(total, number(most, "autoscaling.maxNodeCount") * zones) if most else total)
