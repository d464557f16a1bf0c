"""The bill of materials of a data center on Google Cloud: one line a component, each after what it depends on."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from components.file_system_volume import VolumeSource
from components.gcp import labels
from components.gcp.budget import GcpBudget
from components.gcp.cache import Memorystore
from components.gcp.cluster import GkeCluster
from components.gcp.database import CloudSql
from components.gcp.disk_class import disk_class
from components.gcp.file_system import GcpFileSystem
from components.gcp.gpu_plugins import GpuPlugins
from components.gcp.gpu_pool import GpuPool, GpuPoolSpec
from components.gcp.image_build import ImageBuild
from components.gcp.image_registry import GcpImageRegistry
from components.gcp.logs import Logs
from components.gcp.network import GcpNetwork
from components.gcp.object_store import EGRESS, BucketVolumes, GcpObjectStore
from components.gcp.project import GcpSite, ProjectApis
from components.gcp.system_pool import GcpSystemPool
from components.gcp.tpu_pool import TpuPool
from components.namespace import Namespace
from components.workload_job import Ground
from stacks import jobs
from stacks.gcp_config import GcpConfig

Options = pulumi.ResourceOptions
ALWAYS = ("cloudkms", "compute", "container", "iam", "logging", "monitoring")
"""APIs that every stack needs."""


def build(config: GcpConfig) -> dict[str, Any]:
    """Declare everything the stack file asks for; returns the stack's outputs."""
    site = config.place()
    apis, cloud = providers(config, site)
    on_google = Options(provider=cloud)

    network = GcpNetwork(
        "network",
        config.network,
        site=site,
        service_cidr=config.cluster.service_cidr,
        multi_network=config.multi_network,
        managed_services=config.managed_services,
        lustre=config.lustre,
        opts=on_google,
    )
    cluster = GkeCluster(
        "cluster",
        config.cluster,
        site=site,
        zones=config.network.zones,
        network_id=network.network_id,
        subnet_id=network.subnet_id,
        multi_network=config.multi_network,
        opts=on_google,
    )
    system_pools = {
        name: GcpSystemPool(name, spec, site=site, cluster=cluster, zones=config.network.zones, opts=on_google)
        for name, spec in config.system_pools.items()
    }
    pools: dict[str, TpuPool | GpuPool] = {
        name: GpuPool(name, spec, site=site, cluster=cluster, opts=on_google)
        if isinstance(spec, GpuPoolSpec)
        else TpuPool(name, spec, site=site, cluster=cluster, opts=on_google)
        for name, spec in config.pools.items()
    }
    outputs: dict[str, Any] = {
        "cluster": {"name": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig},
        "pools": {name: pool.node_pool_names for name, pool in (system_pools | pools).items()},
    }
    found, source = storage(config, site, cloud, apis, network, cluster)
    outputs |= found | services(config, site, cloud, network)
    return outputs | workloads(config, site, cluster, system_pools | pools, source)


def providers(config: GcpConfig, site: GcpSite) -> tuple[ProjectApis, gcp.Provider]:
    """The APIs, and the provider of everything else. One of its own switches them on, so that all the rest finds them
    there."""
    bare = gcp.Provider("gcp-apis", project=site.project, region=site.region)
    apis = ProjectApis("apis", {*ALWAYS, *wanted_apis(config)}, site=site, opts=Options(provider=bare))
    return apis, gcp.Provider(
        "gcp",
        project=site.project,
        region=site.region,
        default_labels=labels.identity(site),
        opts=Options(depends_on=apis.enabled),
    )


def wanted_apis(config: GcpConfig) -> set[str]:
    """APIs of the sections that are there."""
    sections = {
        "storage": config.object_store,
        "lustre": config.lustre,
        "file": config.file_system is not None and not config.lustre,
        "servicenetworking": config.managed_services,
        "artifactregistry": config.image_registry,
        "cloudbuild": config.image_builder,
        "sqladmin": config.database,
        "memorystore": config.cache,
        "networkconnectivity": config.cache,
        "billingbudgets": config.budget and config.budget.billing_account,
        "pubsub": config.budget and config.budget.billing_account,
    }
    return {name for name, wanted in sections.items() if wanted}


def storage(
    config: GcpConfig,
    site: GcpSite,
    cloud: gcp.Provider,
    apis: ProjectApis,
    network: GcpNetwork,
    cluster: GkeCluster,
) -> tuple[dict[str, Any], VolumeSource | None]:
    """Where data, checkpoints and models lie, and what jobs must know of the shared file system."""
    outputs: dict[str, Any] = {}
    source: VolumeSource | None = None
    on_both = Options(providers=[cloud, cluster.provider])
    if config.object_store:
        store = GcpObjectStore("store", config.object_store, site=site, apis=apis.enabled, opts=Options(provider=cloud))
        outputs["buckets"] = {use: made.name for use, made in store.buckets.items()}
        in_cluster = Options(provider=cluster.provider)
        places = {
            name: Namespace(name, name, site=site, part="object-store", egress=EGRESS, opts=in_cluster).name
            for name in config.object_store.mount_namespaces
        }
        if places:
            BucketVolumes("buckets", store.buckets, places, site=site, opts=on_both)
    if config.file_system:
        system = GcpFileSystem(
            "shared",
            config.file_system,
            site=site,
            network_id=network.network_id,
            network_name=network.network_name,
            peering=network.private_services,
            opts=on_both,
        )
        source = system.source
        outputs["fileSystem"] = {"id": system.id, "claims": system.claims}
    for name, spec in config.disks.items():
        disk_class(name, spec, site=site, key_id=cluster.disk_key_id, opts=Options(provider=cluster.provider))
    return outputs, source


def services(config: GcpConfig, site: GcpSite, cloud: gcp.Provider, network: GcpNetwork) -> dict[str, Any]:
    """What stands beside the cluster: images, database, cache, logs, budget."""
    outputs: dict[str, Any] = {}
    on_google = Options(provider=cloud)
    if config.image_registry:
        registry = GcpImageRegistry("registry", config.image_registry, site=site, opts=on_google)
        outputs["registry"] = registry.urls
        if config.image_builder:
            ImageBuild("build", config.image_builder, site=site, registry=registry, opts=on_google)
    if config.database:
        database = CloudSql(
            "database",
            config.database,
            site=site,
            network_id=network.network_id,
            peering=network.private_services,
            opts=on_google,
        )
        outputs["database"] = {"connection": database.connection, "address": database.address}
    if config.cache:
        cache = Memorystore(
            "cache",
            config.cache,
            site=site,
            network_id=network.network_id,
            subnet_id=network.subnet_id,
            opts=on_google,
        )
        outputs["cache"] = cache.id
    if config.logs:
        Logs("logs", config.logs, site=site, opts=on_google)
    if config.budget and config.budget.billing_account:
        GcpBudget("budget", config.budget, config.budget.billing_account, site=site, opts=on_google)
    return outputs


def workloads(
    config: GcpConfig,
    site: GcpSite,
    cluster: GkeCluster,
    pools: dict[str, GcpSystemPool | TpuPool | GpuPool],
    source: VolumeSource | None,
) -> dict[str, Any]:
    """What runs inside the cluster."""
    in_cluster = Options(provider=cluster.provider)
    fabrics: dict[str, list[Any]] = {}
    for pool in pools.values():
        if isinstance(pool, GpuPool) and pool.fabric != "none":
            fabrics.setdefault(pool.fabric, []).append(pool.placement)
    plugins = [GpuPlugins("plugins", fabrics, site=site, opts=in_cluster)] if fabrics else []
    ground = Ground(
        site=site,
        placements={name: pool.placement for name, pool in pools.items()},
        api_cidrs=[str(config.network.cidr), str(config.cluster.service_cidr)],
        file_system=source,
        after={name: [*plugins, pool] for name, pool in pools.items()},
        services=[pools[name] for name in config.system_pools],
    )
    return jobs.declare(config, ground, in_cluster)
