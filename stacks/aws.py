"""The bill of materials of a data center on AWS: one line a component, in the order they depend on each other."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components import tags
from components.accelerator_pool import AcceleratorPool
from components.budget import Budget
from components.cluster import Cluster
from components.cluster_addons import ON_NODES, AddOns
from components.device_plugins import DevicePlugins
from components.file_system_access import Clients
from components.file_system_volume import LustreSource
from components.image_builder import ImageBuilder
from components.image_registry import ImageRegistry
from components.network import Network
from components.object_store import ObjectStore
from components.parallel_file_system import ParallelFileSystem
from components.site import Site
from components.system_pool import SystemPool
from components.workload_job import Ground
from stacks import jobs
from stacks.aws_config import AwsConfig

Options = pulumi.ResourceOptions


def build(config: AwsConfig) -> dict[str, Any]:
    """Declare everything the stack file asks for; returns the stack's outputs."""
    site = config.place()
    cloud = aws.Provider(
        "aws",
        region=site.region,
        allowed_account_ids=[site.account],
        default_tags={"tags": tags.identity(site)},
    )
    on_aws = Options(provider=cloud)

    network = Network("network", config.network, site=site, opts=on_aws)
    cluster = Cluster(
        "cluster",
        config.cluster,
        site=site,
        subnet_ids=[network.intra_subnet_ids[zone] for zone in config.control_plane_zones],
        opts=on_aws,
    )
    system_pools = {
        name: SystemPool(name, spec, site=site, cluster=cluster, subnet_ids=network.private_subnet_ids, opts=on_aws)
        for name, spec in config.system_pools.items()
    }
    AddOns(
        "cluster-services",
        ON_NODES,
        kubernetes=config.cluster.kubernetes,
        versions=config.cluster.addon_versions,
        site=site,
        cluster_name=cluster.name,
        after=list(system_pools.values()),
        opts=on_aws,
    )
    pools = {
        name: AcceleratorPool(
            name,
            spec,
            site=site,
            cluster=cluster,
            vpc_id=network.vpc_id,
            subnet_id=network.private_subnet_ids[spec.zone],
            file_system_over_efa=config.file_system_over_efa(spec),
            opts=on_aws,
        )
        for name, spec in config.pools.items()
    }
    outputs: dict[str, Any] = {
        "cluster": {"name": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig},
        "pools": {name: pool.node_group_name for name, pool in (system_pools | pools).items()},
    }
    stored, file_system = storage(config, site, cloud, network, cluster, pools)
    outputs |= stored | workloads(config, site, cluster, system_pools | pools, file_system)
    if config.budget:
        Budget("budget", config.budget, site=site, opts=on_aws)
    return outputs


def storage(
    config: AwsConfig,
    site: Site,
    cloud: aws.Provider,
    network: Network,
    cluster: Cluster,
    pools: dict[str, AcceleratorPool],
) -> tuple[dict[str, Any], LustreSource | None]:
    """Where data, checkpoints, models and images lie; and what jobs need to mount the file system."""
    outputs: dict[str, Any] = {}
    file_system = None
    buckets: dict[str, pulumi.Output[str]] = {}
    if config.object_store:
        store = ObjectStore("store", config.object_store, site=site, opts=Options(provider=cloud))
        buckets = outputs["buckets"] = {use: bucket.name for use, bucket in store.buckets.items()}
    if config.image_registry:
        registry = ImageRegistry("registry", config.image_registry, site=site, opts=Options(provider=cloud))
        outputs["registry"] = registry.urls
    if config.image_builder:
        builder = ImageBuilder("images", config.image_builder, site=site, opts=Options(provider=cloud))
        outputs["imageBuilder"] = {"project": builder.project, "bucket": builder.bucket}
    if config.file_system:
        fabrics = {name: pool.fabric_group_id for name, pool in pools.items() if pool.fabric_group_id is not None}
        system = ParallelFileSystem(
            "lustre",
            config.file_system,
            site=site,
            vpc_id=network.vpc_id,
            subnet_id=network.private_subnet_ids[config.file_system.zone],
            clients=Clients(nodes=cluster.security_group_id, fabrics=fabrics),
            bucket_names=buckets,
            opts=Options(providers=[cloud, cluster.provider]),
        )
        outputs["fileSystem"] = {"id": system.id, "claims": system.claims}
        file_system = system.source
    return outputs, file_system


def workloads(
    config: AwsConfig,
    site: Site,
    cluster: Cluster,
    pools: dict[str, SystemPool | AcceleratorPool],
    file_system: LustreSource | None,
) -> dict[str, Any]:
    """What runs inside the cluster."""
    in_cluster = Options(provider=cluster.provider)
    plugins = DevicePlugins(
        "plugins",
        [pool.placement for pool in pools.values()],
        site=site,
        file_system=config.file_system is not None,
        opts=in_cluster,
    )
    ground = Ground(
        site,
        {name: pool.placement for name, pool in pools.items()},
        api_cidrs=[str(config.network.cidr), str(config.cluster.service_cidr)],
        file_system=file_system,
        after={name: [plugins, pool] for name, pool in pools.items()},
        services=[pools[name] for name in config.system_pools],
    )
    return jobs.declare(config, ground, in_cluster)
