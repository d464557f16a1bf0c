"""The bill of materials of a data center on Google Cloud: one line a component, each after what it depends on."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from components.gcp import labels
from components.gcp.cluster import GkeCluster
from components.gcp.gpu_plugins import GpuPlugins
from components.gcp.gpu_pool import GpuPool, GpuPoolSpec
from components.gcp.network import GcpNetwork
from components.gcp.project import ProjectApis
from components.gcp.system_pool import GcpSystemPool
from components.gcp.tpu_pool import TpuPool
from components.workload_job import Ground
from stacks import jobs
from stacks.gcp_config import GcpConfig

Options = pulumi.ResourceOptions
ALWAYS = ("cloudkms", "compute", "container", "iam", "logging", "monitoring")
"""APIs that every stack needs."""


def build(config: GcpConfig) -> dict[str, Any]:
    """Declare everything the stack file asks for; returns the stack's outputs."""
    site = config.place()
    # A provider of its own switches the APIs on, so that everything the other one makes finds them there.
    bare = gcp.Provider("gcp-apis", project=site.project, region=site.region)
    apis = ProjectApis("apis", ALWAYS, site=site, opts=Options(provider=bare))
    cloud = gcp.Provider(
        "gcp",
        project=site.project,
        region=site.region,
        default_labels=labels.identity(site),
        opts=Options(depends_on=apis.enabled),
    )
    on_google = Options(provider=cloud)

    network = GcpNetwork(
        "network",
        config.network,
        site=site,
        service_cidr=config.cluster.service_cidr,
        managed_services=False,
        opts=on_google,
    )
    cluster = GkeCluster(
        "cluster",
        config.cluster,
        site=site,
        zones=config.network.zones,
        network_id=network.network_id,
        subnet_id=network.subnet_id,
        multi_network=False,
        opts=on_google,
    )
    system_pools = {
        name: GcpSystemPool(name, spec, site=site, cluster=cluster, zones=config.network.zones, opts=on_google)
        for name, spec in config.system_pools.items()
    }
    pools: dict[str, TpuPool | GpuPool] = {
        name: (GpuPool if isinstance(spec, GpuPoolSpec) else TpuPool)(
            name, spec, site=site, cluster=cluster, opts=on_google
        )
        for name, spec in config.pools.items()
    }
    outputs: dict[str, Any] = {
        "cluster": {"name": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig},
        "pools": {name: pool.node_pool_names for name, pool in (system_pools | pools).items()},
    }
    placements = {name: pool.placement for name, pool in (system_pools | pools).items()}
    ground = Ground(
        site=site,
        placements=placements,
        api_cidrs=[str(config.network.cidr), str(config.cluster.service_cidr)],
        after={name: [pool] for name, pool in (system_pools | pools).items()},
    )
    return outputs | jobs.declare(config, ground, Options(provider=cluster.provider))
