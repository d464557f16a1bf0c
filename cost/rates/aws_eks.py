"""Elastic Kubernetes Service: control plane, node groups, Fargate profiles.

A version past its standard support costs the extended rate unless the cluster's upgrade policy forbids it
(aws.amazon.com/eks/pricing). A node group that names no type, nor does its launch template, has t3.medium machines;
without a template their disks have 20 GB.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from catalog import eks_versions
from cost.rates.aws_compute import TEMPLATE, by_template
from cost.rates.machines import Machine, machines, sized
from cost.registry import rate
from cost.subject import Found, Gap, Subject

DEFAULT_TYPE, DEFAULT_DISK = "t3.medium", 20
PURCHASES = {"ON_DEMAND": "on-demand", "SPOT": "spot", "CAPACITY_BLOCK": "capacity-block"}


@rate("aws:eks/cluster:Cluster")
def cluster(it: Subject) -> Iterator[Found]:
    extended = _extended(it)
    if extended is None:
        yield Gap("EKS cluster", f"it is not known whether version {it.text('version')} is in standard support")
    item = "EKS cluster (extended support)" if extended else "EKS cluster"
    if extended is not None:
        yield it.hours(item, it.aws("aws_eks_cluster", item), what="cluster")
    if it.flag("computeConfig.enabled"):
        yield Gap("EKS Auto Mode", "the fee on top of each machine is not in the catalog")


def _extended(it: Subject) -> bool | None:
    """Whether the version costs extended support today; None when that is not known."""
    version = it.text("version")
    if not version or it.text("upgradePolicy.supportType") == "STANDARD":
        return False
    known = eks_versions.get(version)
    if known is not None:
        return known.extended(it.book.today)
    oldest = min((tuple(map(int, name.split("."))) for name in eks_versions), default=None)
    wanted = tuple(int(part) for part in version.split(".") if part.isdigit())
    return True if oldest and wanted and wanted < oldest else None


@rate("aws:eks/nodeGroup:NodeGroup")
def node_group(it: Subject) -> Iterator[Found]:
    scaling = it.value("scalingConfig", {})
    size = sized(it, scaling.get("desiredSize"), scaling.get("minSize"), scaling.get("maxSize"))
    kind = it.first("instanceTypes")
    purchase = PURCHASES.get(it.text("capacityType", "ON_DEMAND"), "on-demand")
    crossing = it.aws("aws_data_transfer", "Intra-region data transfer")
    yield from it.used("Data transfer between zones", "monthly_inter_az_gb", crossing, times=2, unit="GB", quiet=True)
    template = it.referred("launchTemplate", TEMPLATE)
    if template:
        market = "" if purchase == "on-demand" else purchase
        named = kind or it.other(template).text("instanceType") or DEFAULT_TYPE
        yield from by_template(it, template, size, named, market)
        return
    if it.resource.inputs.get("launchTemplate"):
        reason = "its launch template is not in the plan"
        yield from machines(it, Machine(kind, purchase), size) if kind else [Gap("Instance usage", reason, "input")]
        yield Gap("Root volume", reason, "input")
        return
    disk = it.amount("diskSize", DEFAULT_DISK)
    machine = Machine(kind or DEFAULT_TYPE, purchase, root={"volumeSize": disk, "volumeType": "gp2"})
    yield from machines(it, machine, size)


@rate("aws:eks/fargateProfile:FargateProfile")
def fargate_profile(it: Subject) -> Iterator[Found]:
    """One vCPU and one GB: what runs in a profile is decided in the cluster."""
    for item, unit in (("Per GB per hour", "GB"), ("Per vCPU per hour", "CPU")):
        yield it.fixed(item, Decimal(1), it.aws("aws_eks_fargate_profile", item), unit=unit)
