"""Rules between the sections of a stack file for AWS; rules within a section belong to its spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pulumi_aws

from catalog import UnknownName, limits, releases
from components.accelerator_pool import AcceleratorPoolSpec
from components.benchmark_job import BenchmarkSpec
from components.cluster import ClusterSpec
from components.cluster_addons import ADDRESSES_PER_NODE
from components.device_plugins import images_of
from components.efa import efa_count
from components.evaluation_job import EvaluationSpec
from components.image_builder import ImageBuilderSpec
from components.image_registry import ImageRegistrySpec
from components.network import NetworkSpec
from components.network_layout import layout, usable
from components.object_store import ObjectStoreSpec
from components.parallel_file_system import FileSystemSpec
from components.placement import Placement
from components.preprocess_job import PreprocessSpec
from components.search_job import SearchSpec
from components.system_pool import SystemPoolSpec
from components.training_job import TrainingSpec
from stacks import place_rules
from stacks.place_rules import not_a_zone
from stacks.rules import Rulebook, broken_benchmarks, broken_jobs, broken_starts

Pools = Mapping[str, AcceleratorPoolSpec]
SystemPools = Mapping[str, SystemPoolSpec]
Benchmarks = Mapping[str, BenchmarkSpec]
AWS = Rulebook()
EFA_CONNECTIONS = "fsx-lustre-efa-connections"
"""Name of the limit in the catalog."""
NEEDED_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sts")
"""What a node of EKS asks before its pods run: its address and name, images, its cluster, its pods' roles."""
PRIVATE_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.")
"""An image of the region's own registry, which the endpoints reach."""
MODELS = ("on-demand", "spot", "reservation", "capacity-block")
SERVICES = Path(pulumi_aws.__file__).parent
"""The provider has a folder for each service; the cost report calls services so."""


@AWS.rule
def zones_lie_in_the_region(region: str, network: NetworkSpec) -> Iterator[str]:
    for index, zone in enumerate(network.zones):
        if zone[:-1] != region:
            yield f"`network.zones[{index}]`: {zone} is not in {region}. Change it or `aws:region`."


AWS.rule(place_rules.pools_stand_in_zones_of_the_network)
AWS.rule(place_rules.system_pools_stand_in_zones_of_the_network)


@AWS.rule
def somebody_can_run_pulumi(accounts: tuple[str, ...], cluster: ClusterSpec) -> Iterator[str]:
    """Credentials of other accounts are refused, and nobody gets in by having created the cluster."""
    (account,) = accounts
    if not any(arn.split(":")[4] == account for arn in cluster.admins):
        yield (
            f"`cluster.admins`: none of them is of account {account} (aws:allowedAccountIds), whose credentials alone "
            "may run Pulumi. Add a role or user of it, or correct the account."
        )


@AWS.rule
def the_control_plane_spans_two_zones(network: NetworkSpec, cluster: ClusterSpec) -> Iterator[str]:
    if cluster.zones is None and len(network.zones) < 2:
        yield f"`network.zones`: EKS needs two zones, {', '.join(network.zones)} is one. Add another of the region."
    for index, zone in enumerate(cluster.zones or ()):
        if zone not in network.zones:
            yield f"`cluster.zones[{index}]`: {not_a_zone(zone, network)} Add it there or choose another."


AWS.rule_on_whole_sections(place_rules.pool_names_are_unique)
AWS.rule_on_whole_sections(place_rules.services_have_a_place)


@AWS.rule
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


@AWS.rule
def ranges_do_not_overlap(network: NetworkSpec, cluster: ClusterSpec) -> Iterator[str]:
    if network.cidr.overlaps(cluster.service_cidr):
        yield (
            f"`cluster.service-cidr`: {cluster.service_cidr} overlaps network.cidr ({network.cidr}). Give services a "
            "range of their own, such as 10.100.0.0/16."
        )


@AWS.rule
def the_file_system_stands_in_a_zone_of_the_network(network: NetworkSpec, file_system: FileSystemSpec) -> Iterator[str]:
    if file_system.zone not in network.zones:
        yield f"`file-system.zone`: {not_a_zone(file_system.zone, network)} Add it there or move the file system."


AWS.rule(place_rules.claims_have_namespaces_of_their_own)


@AWS.rule_on_whole_sections
def a_fabric_file_system_has_clients(file_system: FileSystemSpec, pools: Pools) -> Iterator[str]:
    """EFA does not cross zones (EC2 User Guide, "Elastic Fabric Adapter")."""
    if not file_system.efa:
        return
    clients = [pool for pool in pools.values() if pool.interface_plan and file_system.reached_over_efa(pool)]
    if not clients:
        yield (
            f"`file-system.efa`: no pool that mounts it through EFA stands in {file_system.zone}, and EFA does not "
            "cross zones; types below Nitro v4 and Trainium2 mount over TCP. Move the file system to the zone of such "
            "a pool, or take efa out."
        )
    used = sum(pool.largest * (pool.instance.fsx_lustre_efa_interfaces or 0) for pool in clients)
    most = int(limits[EFA_CONNECTIONS].maximum or 0)
    if used > most:
        yield (
            f"`file-system.efa`: its clients would hold {used} EFA connections, FSx takes {most}. Ask for fewer nodes, "
            "or set mount-file-system to false in a pool."
        )


@AWS.rule
def builds_have_a_registry(
    image_builder: ImageBuilderSpec,  # noqa: ARG001 - the rule is about its presence
    image_registry: ImageRegistrySpec | None = None,
) -> Iterator[str]:
    if image_registry is None:
        yield "`image-builder`: there is no `image-registry` to push to. Add one ({} for one) or take this out."


@AWS.rule
def links_have_buckets(file_system: FileSystemSpec, object_store: ObjectStoreSpec | None = None) -> Iterator[str]:
    if file_system.link_buckets and object_store is None:
        yield "`file-system.link-buckets`: there is no object-store section to link. Add one or take the key out."


@AWS.rule
def plugins_can_be_pulled(region: str, pools: Pools) -> Iterator[str]:
    """The EFA plugin comes from the EKS registry of the region."""
    if not any(pool.interface_plan for pool in pools.values()):
        return
    try:
        releases["efa-device-plugin"].image_in(region)
    except UnknownName as error:
        yield f"`aws:region`: {error}. Add it to the catalog, or set efa to false in every pool."


@AWS.rule
def a_closed_network_has_the_endpoints_of_nodes(network: NetworkSpec) -> Iterator[str]:
    """EKS User Guide, "Deploy private clusters with limited internet access"; S3 has its endpoint always."""
    missing = [name for name in NEEDED_ENDPOINTS if name not in network.interface_endpoints]
    if network.nat == "none" and missing:
        yield (
            f"`network.interface-endpoints`: without NAT nodes need {', '.join(missing)} too. Add "
            f"{'it' if len(missing) == 1 else 'them'}, or choose nat: single."
        )


@AWS.rule_on_whole_sections
def a_closed_network_has_the_images_of_drivers(
    region: str,
    network: NetworkSpec,
    pools: Pools,
    system_pools: SystemPools,
    file_system: FileSystemSpec | None = None,
) -> Iterator[str]:
    placements = [_placement(pool) for pool in {**system_pools, **pools}.values()]
    try:
        images = images_of(placements, region, file_system=file_system is not None)
    except UnknownName:
        return  # told by `plugins_can_be_pulled`
    yield from _out_of_reach(network, "drivers of its pools", images)


@AWS.rule
def a_closed_network_has_the_images_of_jobs(
    network: NetworkSpec,
    benchmark: Benchmarks,
    training: Mapping[str, TrainingSpec],
    preprocess: Mapping[str, PreprocessSpec],
    search: Mapping[str, SearchSpec],
    evaluation: Mapping[str, EvaluationSpec],
) -> Iterator[str]:
    sections = (benchmark, training, preprocess, search, evaluation)
    yield from _out_of_reach(network, "its jobs", [job.image for jobs in sections for job in jobs.values()])


def _out_of_reach(network: NetworkSpec, whose: str, images: Iterable[str]) -> Iterator[str]:
    outside = sorted({image for image in images if not PRIVATE_IMAGE.match(image)})
    if network.nat == "none" and outside:
        yield (
            f"`network.nat`: with none no way leads to the registries from which {whose} come: {', '.join(outside)}. "
            "Choose single or per-zone."
        )


@AWS.rule_on_whole_sections
def discounts_have_a_scope(discounts: Mapping[str, Decimal], pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    scopes = ["contract", "savings-plan", *MODELS, *(f"pool-{name}" for name in (*system_pools, *pools))]
    for scope in discounts:
        if scope not in scopes and not (SERVICES / scope).is_dir():
            yield (
                f"`discounts[{scope}]`: nothing is priced under this name. Choose one of {', '.join(scopes)}, or a "
                "service such as ec2, eks, fsx or s3."
            )


@AWS.rule_on_whole_sections
def benchmarks_have_pools(benchmark: Benchmarks, pools: Pools, system_pools: SystemPools) -> Iterator[str]:
    known = {**system_pools, **pools}
    yield from broken_benchmarks(benchmark, {name: _placement(pool) for name, pool in known.items()})


@AWS.rule_on_whole_sections
def runs_wait_for_what_is_measured(training: Mapping[str, TrainingSpec], benchmark: Benchmarks) -> Iterator[str]:
    yield from broken_starts(training, benchmark)


@AWS.rule_on_whole_sections
def jobs_have_pools_and_files(
    training: Mapping[str, TrainingSpec],
    preprocess: Mapping[str, PreprocessSpec],
    search: Mapping[str, SearchSpec],
    evaluation: Mapping[str, EvaluationSpec],
    pools: Pools,
    system_pools: SystemPools,
    file_system: FileSystemSpec | None = None,
) -> Iterator[str]:
    jobs = {"training": training, "preprocess": preprocess, "search": search, "evaluation": evaluation}
    placements = {name: _placement(pool) for name, pool in {**system_pools, **pools}.items()}
    yield from broken_jobs(jobs, placements, file_system=file_system is not None)


def _placement(pool: AcceleratorPoolSpec | SystemPoolSpec) -> Placement:
    plan = pool.interface_plan if isinstance(pool, AcceleratorPoolSpec) else ()
    return Placement("", pool.instance, pool.nodes, efa_count(plan), mounts_file_system=pool.mount_file_system)
