"""EKS managed node groups: create, describe, list, delete.

A node group has an Auto Scaling group of the same sizes in the autoscaling backend, so that tags on it work; no EC2
instances stand behind it (nodes are made by `sandbox.kubernetes` and `sandbox.node`). As in EKS, the node role gets an
access entry of type EC2_LINUX, which goes with the last node group of that role.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import (
    Cluster,
    Entry,
    Record,
    cluster_of,
    in_use,
    invalid,
    nodegroup_of,
    page,
    role_exists,
)
from sandbox.aws.gaps.eks.access import new_entry

DEFAULT_SCALING = {"minSize": 1, "maxSize": 2, "desiredSize": 2}


@serves("eks", "CreateNodegroup")
def create(call: Call) -> Record:
    cluster, given = cluster_of(call), call.params
    name = given["nodegroupName"]
    if name in cluster.nodegroups:
        message = f"NodeGroup already exists with name {name} and cluster name {cluster.name}"
        raise in_use(message, clusterName=cluster.name, nodegroupName=name)
    role_exists(call, given["nodeRole"], "The role with name")
    _subnets_exist(call, given["subnets"])
    template = launch_template(call, given.get("launchTemplate"))
    _check_template(given, template)
    identity = str(uuid.uuid4())
    record: Record = {
        "nodegroupName": name,
        "nodegroupArn": call.arn(f"nodegroup/{cluster.name}/{name}/{identity}"),
        "clusterName": cluster.name,
        "createdAt": time.time(),
        "modifiedAt": time.time(),
        "status": "ACTIVE",
        "capacityType": given.get("capacityType") or "ON_DEMAND",
        "scalingConfig": scaling(given.get("scalingConfig") or DEFAULT_SCALING),
        "subnets": given["subnets"],
        "nodeRole": given["nodeRole"],
        "labels": given.get("labels") or {},
        "taints": given.get("taints") or [],
        "updateConfig": update_config(given.get("updateConfig") or {"maxUnavailable": 1}),
        "nodeRepairConfig": given.get("nodeRepairConfig") or {"enabled": False},
        "tags": given.get("tags") or {},
        "health": {"issues": []},
        **machine(cluster, given, template),
    }
    for member in ("remoteAccess", "warmPoolConfig"):
        if given.get(member) is not None:
            record[member] = given[member]
    resources: Record = {"autoScalingGroups": [{"name": f"eks-{name}-{identity}"}]}
    if given.get("remoteAccess"):
        resources["remoteAccessSecurityGroup"] = new_id("sg-")
    record["resources"] = resources
    _scaling_group(call, record)
    cluster.nodegroups[name] = record
    if (
        record["nodeRole"] not in cluster.entries
        and cluster.record["accessConfig"]["authenticationMode"] != "CONFIG_MAP"
    ):
        cluster.entries[record["nodeRole"]] = Entry(new_entry(call, cluster, record["nodeRole"], kind="EC2_LINUX"))
    return {"nodegroup": {**record, "status": "CREATING"}}


@serves("eks", "DescribeNodegroup")
def describe(call: Call) -> Record:
    return {"nodegroup": nodegroup_of(call)}


@serves("eks", "ListNodegroups")
def list_names(call: Call) -> Record:
    return page(call, sorted(cluster_of(call).nodegroups), "nodegroups")


@serves("eks", "DeleteNodegroup")
def delete(call: Call) -> Record:
    cluster, record = cluster_of(call), nodegroup_of(call)
    del cluster.nodegroups[record["nodegroupName"]]
    for group in record["resources"]["autoScalingGroups"]:
        autoscaling = call.backend("autoscaling")
        autoscaling.autoscaling_groups.pop(group["name"], None)
    role = record["nodeRole"]
    entry = cluster.entries.get(role)
    used = any(other["nodeRole"] == role for other in cluster.nodegroups.values())
    if entry and entry.record["type"] == "EC2_LINUX" and not used:
        del cluster.entries[role]
    return {"nodegroup": {**record, "status": "DELETING"}}


def machine(cluster: Cluster, given: Record, template: Any) -> Record:
    """What the nodes are: version, image, instance types, disk, launch template."""
    data = template_data(template, given.get("launchTemplate"))
    version = given.get("version") or cluster.record["version"]
    image = data.get("ImageId")
    kept: Record = {
        "version": version,
        "releaseVersion": image or given.get("releaseVersion") or f"{version}.0-local",
        "amiType": "CUSTOM" if image else given.get("amiType") or "AL2023_x86_64_STANDARD",
    }
    if template is None:
        kept["instanceTypes"] = given.get("instanceTypes") or ["t3.medium"]
        kept["diskSize"] = given.get("diskSize") or 20
        return kept
    if given.get("instanceTypes"):
        kept["instanceTypes"] = given["instanceTypes"]
    kept["launchTemplate"] = {
        "id": template.id,
        "name": template.name,
        "version": str(template_version(template, given["launchTemplate"].get("version"))),
    }
    return kept


def launch_template(call: Call, given: Record | None) -> Any:
    """The launch template in EC2. Raises InvalidParameterException when it or its version does not exist."""
    if not given:
        return None
    ec2 = call.backend("ec2")
    wanted = given.get("id") or given.get("name")
    found = [t for t in ec2.launch_templates.values() if wanted in (t.id, t.name)]
    if not found:
        raise invalid(f"Launch template {wanted} does not exist")
    version = template_version(found[0], given.get("version"))
    if version not in {entry.number for entry in found[0].versions}:
        raise invalid(f"Launch template {wanted} has no version {version}")
    return found[0]


def template_version(template: Any, version: str | None) -> int:
    """The number behind a version as node groups give it."""
    if version in (None, "", "$Default"):
        return int(template.default_version_number)
    if version == "$Latest":
        return int(template.latest_version_number)
    if not str(version).isdigit():
        raise invalid(f"Launch template version {version} is not a number, $Latest or $Default")
    return int(str(version))


def template_data(template: Any, given: Record | None) -> Record:
    if template is None or given is None:
        return {}
    number = template_version(template, given.get("version"))
    return next(entry.data for entry in template.versions if entry.number == number) or {}


def scaling(sizes: Record) -> Record:
    """Check sizes as EKS does."""
    low, high, wanted = sizes.get("minSize", 0), sizes.get("maxSize", 1), sizes.get("desiredSize", 0)
    if high < 1:
        raise invalid("maxSize must be at least 1")
    if low > high:
        raise invalid(f"Minimum capacity {low} can't be greater than maximum size {high}")
    if not low <= wanted <= high:
        what = "greater than max size" if wanted > high else "less than min size"
        raise invalid(f"desired capacity {wanted} can't be {what} {high if wanted > high else low}")
    return {"minSize": low, "maxSize": high, "desiredSize": wanted}


def update_config(given: Record) -> Record:
    if given.get("maxUnavailable") is not None and given.get("maxUnavailablePercentage") is not None:
        raise invalid("maxUnavailable and maxUnavailablePercentage cannot be given together")
    return given


def resize(call: Call, record: Record) -> None:
    """Give the Auto Scaling group the sizes of the node group; it runs no instances."""
    group = call.backend("autoscaling").autoscaling_groups.get(record["resources"]["autoScalingGroups"][0]["name"])
    if group is not None:
        sizes = record["scalingConfig"]
        group.min_size, group.max_size, group.desired_capacity = (
            sizes["minSize"],
            sizes["maxSize"],
            sizes["desiredSize"],
        )


def _scaling_group(call: Call, record: Record) -> None:
    from moto.autoscaling.models import FakeAutoScalingGroup

    autoscaling = call.backend("autoscaling")
    template = record.get("launchTemplate")
    name = record["resources"]["autoScalingGroups"][0]["name"]
    owner = {"eks:cluster-name": record["clusterName"], "eks:nodegroup-name": record["nodegroupName"]}
    owner |= {f"kubernetes.io/cluster/{record['clusterName']}": "owned"}
    autoscaling.autoscaling_groups[name] = FakeAutoScalingGroup(
        name=name,
        availability_zones=[],
        desired_capacity=0,
        max_size=0,
        min_size=0,
        launch_config_name="",
        launch_template={"LaunchTemplateId": template["id"], "Version": template["version"]} if template else {},
        vpc_zone_identifier=",".join(record["subnets"]),
        default_cooldown=None,
        health_check_period=15,
        health_check_type="EC2",
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        autoscaling_backend=autoscaling,
        ec2_backend=autoscaling.ec2_backend,
        tags=[{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in owner.items()],
        mixed_instances_policy=None,
        capacity_rebalance=record["capacityType"] == "SPOT",
    )
    resize(call, record)


def _subnets_exist(call: Call, subnets: list[str]) -> None:
    known = {subnet for zone in call.backend("ec2").subnets.values() for subnet in zone}
    missing = [subnet for subnet in subnets if subnet not in known]
    if missing:
        raise invalid(f"The subnet ID '{missing[0]}' does not exist")


def _check_template(given: Record, template: Any) -> None:
    """What EKS refuses together with a launch template (EKS user guide, "Customize nodes with launch templates")."""
    if template is None:
        if given.get("capacityType") == "CAPACITY_BLOCK":
            raise invalid("Capacity type CAPACITY_BLOCK needs a launch template.")
        return
    data = template_data(template, given.get("launchTemplate"))
    custom = bool(data.get("ImageId"))
    subnets = any(nic.get("SubnetId") for nic in data.get("NetworkInterfaces") or [])
    problems = {
        "Disk size must be specified within the launch template.": given.get("diskSize"),
        "Remote access configuration cannot be specified with a launch template.": given.get("remoteAccess"),
        "Instance types must be specified in the launch template or in the API request, not both.": (
            data.get("InstanceType") and given.get("instanceTypes")
        ),
        "An image in the launch template goes with AMI type CUSTOM or none.": (
            custom and given.get("amiType") not in (None, "CUSTOM")
        ),
        "The launch template must not have an IAM instance profile.": data.get("IamInstanceProfile"),
        "The launch template must not name a subnet.": subnets,
    }
    for message, broken in problems.items():
        if broken:
            raise invalid(message)
