"""The bill of materials of a data center: one line a component, in the order in which they lean on each other."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components import tags
from components.accelerator_pool import AcceleratorPool
from components.cluster import Cluster
from components.cluster_addons import ON_NODES, AddOns
from components.network import Network
from components.system_pool import SystemPool
from stacks.config import StackConfig


def build(config: StackConfig) -> dict[str, Any]:
    """Declare everything the stack file asks for; returns the stack's outputs."""
    site = config.place()
    provider = aws.Provider(
        "aws",
        region=config.region,
        allowed_account_ids=list(config.accounts),
        default_tags={"tags": tags.identity(site)},
    )
    on_aws = pulumi.ResourceOptions(provider=provider)

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
        versions=config.cluster.addon_versions,
        site=site,
        cluster_name=cluster.name,
        opts=pulumi.ResourceOptions(provider=provider, depends_on=list(system_pools.values())),
    )
    pools = {
        name: AcceleratorPool(
            name,
            spec,
            site=site,
            cluster=cluster,
            vpc_id=network.vpc_id,
            subnet_id=network.private_subnet_ids[spec.zone],
            opts=on_aws,
        )
        for name, spec in config.pools.items()
    }
    return {
        "cluster": {"name": cluster.name, "endpoint": cluster.endpoint, "kubeconfig": cluster.kubeconfig},
        "pools": {name: pool.node_group_name for name, pool in (system_pools | pools).items()},
    }
