"""Rules between the sections of a stack file for Google Cloud; rules within a section belong to its spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from catalog import limits
from components.benchmark_job import BenchmarkSpec
from components.evaluation_job import EvaluationSpec
from components.gcp import gpu_pool, system_pool, tpu_pool
from components.gcp.cluster_spec import GkeClusterSpec
from components.gcp.database import CloudSqlSpec
from components.gcp.fields import region_of
from components.gcp.file_system import FilestoreSpec, ManagedLustreSpec
from components.gcp.gpu_pool import GpuPoolSpec
from components.gcp.image_build import ImageBuildSpec
from components.gcp.network import GcpNetworkSpec
from components.gcp.object_store import GcpObjectStoreSpec
from components.gcp.system_pool import GcpSystemPoolSpec
from components.gcp.tpu_pool import TpuPoolSpec
from components.image_registry_spec import ImageRegistrySpec
from components.placement import Placement
from components.preprocess_job import PreprocessSpec
from components.search_job import SearchSpec
from components.site import SiteSpec
from components.training_job import TrainingSpec
from stacks import place_rules
from stacks.place_rules import not_a_zone
from stacks.rules import Rulebook, broken_benchmarks, broken_jobs, broken_starts, divides

Pool = TpuPoolSpec | GpuPoolSpec
Pools = Mapping[str, Pool]
SystemPools = Mapping[str, GcpSystemPoolSpec]
Benchmarks = Mapping[str, BenchmarkSpec]
GCP = Rulebook()
LONGEST_CLUSTER, LONGEST_POOL = 40, 40
"""Characters of the name of a cluster and of a node pool (GKE documentation, "Quotas and limits")."""


@GCP.rule
def zones_lie_in_the_region(region: str, network: GcpNetworkSpec) -> Iterator[str]:
    for index, zone in enumerate(network.zones):
        if region_of(zone) != region:
            yield f"`network.zones[{index}]`: {zone} is not in {region}. Change it or `gcp:region`."


GCP.rule(place_rules.pools_stand_in_zones_of_the_network)
GCP.rule(place_rules.system_pools_stand_in_zones_of_the_network)


@GCP.rule
def nodes_spread_evenly(network: GcpNetworkSpec, system_pools: SystemPools) -> Iterator[str]:
    """A node pool has the same number of nodes in each of its zones."""
    for name, pool in system_pools.items():
        zones = len(pool.zones or network.zones)
        if pool.max is None and pool.nodes % zones:
            yield (
                f"`system-pools[{name}].nodes`: {pool.nodes} nodes do not spread evenly over {zones} zones. Give a "
                f"multiple of {zones}, name fewer zones, or give max and let an autoscaler decide."
            )


@GCP.rule
def the_control_plane_knows_its_zones(network: GcpNetworkSpec, cluster: GkeClusterSpec) -> Iterator[str]:
    for index, zone in enumerate(cluster.zones or ()):
        if zone not in network.zones:
            yield f"`cluster.zones[{index}]`: {not_a_zone(zone, network)} Add it there or choose another."


@GCP.rule
def ranges_do_not_overlap(network: GcpNetworkSpec, cluster: GkeClusterSpec) -> Iterator[str]:
    taken = {"cidr": network.cidr, "pod-cidr": network.pod_cidr, "service-networks-cidr": network.service_networks_cidr}
    for key, given in taken.items():
        if given.overlaps(cluster.service_cidr):
            yield (
                f"`cluster.service-cidr`: {cluster.service_cidr} overlaps network.{key} ({given}). Give services a "
                "range of their own, such as 10.200.0.0/20."
            )


GCP.rule_on_whole_sections(place_rules.pool_names_are_unique)


@GCP.rule
def names_fit(site: SiteSpec, pools: Pools) -> Iterator[str]:
    cluster = f"{site.name}-{site.environment}"
    if len(cluster) > LONGEST_CLUSTER:
        yield (
            f"`site.name`: the cluster would be called {cluster}, {len(cluster)} characters; GKE takes "
            f"{LONGEST_CLUSTER}. Give a shorter name."
        )
    for name, pool in pools.items():
        if isinstance(pool, TpuPoolSpec) and pool.slices > 1:
            longest = f"{name}-slice{pool.slices - 1}"
            if len(longest) > LONGEST_POOL:
                yield f"`pools[{name}]`: {longest} is too long for a node pool ({LONGEST_POOL}). Give a shorter name."


GCP.rule_on_whole_sections(place_rules.services_have_a_place)


@GCP.rule
def pods_have_addresses(network: GcpNetworkSpec, pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    """Every node takes twice its pods, rounded up to a power of two, from the pod range (GKE documentation, "Configure
    maximum Pods per node"): 32 addresses with 15 pods, 64 with 32, 256 with 110."""
    accelerated = sum(nodes_of(pool) for pool in pools.values())
    plain = sum(pool.max or pool.nodes for pool in system_pools.values())
    need, room = accelerated * 64 + plain * 256, network.pod_cidr.num_addresses
    if need > room:
        yield (
            f"`network.pod-cidr`: {network.pod_cidr} has {room} addresses, {accelerated + plain} nodes need {need}. "
            "Give a larger range."
        )
    if accelerated + plain > network.cidr.num_addresses - 4:
        yield (
            f"`network.cidr`: {network.cidr} has {network.cidr.num_addresses - 4} addresses for "
            f"{accelerated + plain} nodes. Give a larger range."
        )


@GCP.rule
def the_file_system_stands_in_a_zone_of_the_network(
    network: GcpNetworkSpec, file_system: ManagedLustreSpec | FilestoreSpec
) -> Iterator[str]:
    if file_system.zone not in network.zones:
        yield f"`file-system.zone`: {not_a_zone(file_system.zone, network)} Add it there or move the file system."


@GCP.rule
def managed_services_have_addresses(
    network: GcpNetworkSpec, file_system: ManagedLustreSpec | FilestoreSpec, database: CloudSqlSpec | None = None
) -> Iterator[str]:
    """Each service takes whole blocks of the range: what is left over is of no use to the next."""
    if not isinstance(file_system, ManagedLustreSpec):
        return
    given, most = network.service_networks_cidr, int(limits["managed-lustre-prefix"].maximum or 0)
    wanted, why = most, f"Managed Lustre takes a /{most} of it"
    if database is not None:
        wanted, why = most - 1, f"{why}, Cloud SQL a /{limits['cloud-sql-prefix'].maximum:g}"
    if given.prefixlen > wanted:
        yield f"`network.service-networks-cidr`: {given} is too small: {why}. Give a /{wanted} or a larger range."


@GCP.rule
def namespaces_are_made_once(
    object_store: GcpObjectStoreSpec, file_system: ManagedLustreSpec | FilestoreSpec | None = None
) -> Iterator[str]:
    for index, name in enumerate(object_store.mount_namespaces):
        if file_system is not None and name in file_system.namespaces:
            yield (
                f"`object-store.mount-namespaces[{index}]`: file-system.namespaces names {name} too, and makes it. "
                "Take it out here or there."
            )


@GCP.rule
def builds_have_a_registry(
    image_builder: ImageBuildSpec, image_registry: ImageRegistrySpec | None = None
) -> Iterator[str]:
    known = image_registry.repositories if image_registry else ()
    if image_builder.repository not in known:
        yield (
            f"`image-builder.repository`: {image_builder.repository} is not one of image-registry.repositories "
            f"({', '.join(known) or 'there is no image-registry section'}). Add it there."
        )


@GCP.rule_on_whole_sections
def benchmarks_have_pools(benchmark: Benchmarks, pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    yield from broken_benchmarks(benchmark, placements(pools, system_pools))


@GCP.rule_on_whole_sections
def jobs_take_whole_slices(
    benchmark: Benchmarks, training: Mapping[str, TrainingSpec], pools: Pools, system_pools: SystemPools
) -> Iterator[str]:
    known = placements(pools, system_pools)
    for name, spec in benchmark.items():
        if name in known:
            yield from broken_slices(f"`benchmark[{name}]", spec.ranks, spec.launcher, known[name], several=True)
    for name, run in training.items():
        if run.pool in known:
            yield from broken_slices(f"`training[{name}]", run.ranks, run.launcher, known[run.pool], several=False)


def broken_slices(where: str, ranks: int | None, launcher: str, place: Placement, *, several: bool) -> Iterator[str]:
    """Jobs whose pods are not the hosts of whole slices. `several`: whether the program runs over more than one."""
    slices, pods = place.slices, ranks or place.nodes
    if slices is None or not divides(pods, place):
        return
    if slices.hosts == 1:
        if pods != 1:
            yield (
                f"{where}.ranks`: slices of {slices.topology} are one host each and not wired to each other; {pods} "
                "pods cannot run together. Write 1."
            )
    elif pods > place.nodes or pods % slices.hosts:
        more = f" or a multiple up to {place.nodes}" if several and slices.count > 1 else ""
        yield (
            f"{where}.ranks`: {pods} pods are no whole slices of {slices.topology}: one pod a host, {slices.hosts} "
            f"hosts a slice. Write {slices.hosts}{more}."
        )
    elif pods > slices.hosts and not several:
        yield f"{where}.ranks`: {pods} pods span {pods // slices.hosts} slices; it runs on one. Write {slices.hosts}."
    elif pods > slices.hosts and launcher != "jobset":
        yield (
            f"{where}.launcher`: {launcher} keeps to one slice ({slices.hosts} hosts), {pods} pods span "
            f"{pods // slices.hosts}. Write launcher: jobset, or ranks: {slices.hosts}."
        )


@GCP.rule_on_whole_sections
def runs_wait_for_what_is_measured(training: Mapping[str, TrainingSpec], benchmark: Benchmarks) -> Iterator[str]:
    yield from broken_starts(training, benchmark)


@GCP.rule_on_whole_sections
def jobs_have_pools_and_files(
    training: Mapping[str, TrainingSpec],
    preprocess: Mapping[str, PreprocessSpec],
    search: Mapping[str, SearchSpec],
    evaluation: Mapping[str, EvaluationSpec],
    pools: Pools,
    system_pools: SystemPools,
    file_system: ManagedLustreSpec | FilestoreSpec | None = None,
) -> Iterator[str]:
    jobs = {"training": training, "preprocess": preprocess, "search": search, "evaluation": evaluation}
    yield from broken_jobs(jobs, placements(pools, system_pools), file_system=file_system is not None)


def placements(pools: Pools, system_pools: SystemPools) -> dict[str, Placement]:
    """All pools as jobs see them."""
    plain = {name: system_pool.placement(name, pool) for name, pool in system_pools.items()}
    return plain | {name: placement(name, pool) for name, pool in pools.items()}


def placement(name: str, pool: Pool) -> Placement:
    """An accelerator pool as jobs see it."""
    return tpu_pool.placement(name, pool) if isinstance(pool, TpuPoolSpec) else gpu_pool.placement(name, pool)


def nodes_of(pool: Pool) -> int:
    """Nodes of an accelerator pool."""
    return pool.hosts if isinstance(pool, TpuPoolSpec) else pool.nodes
