"""Updates of EKS managed node groups: configuration and version."""

from __future__ import annotations

import json
import time

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import Record, cluster_of, invalid, minor, nodegroup_of, updated
from sandbox.aws.gaps.eks.nodegroups import (
    launch_template,
    resize,
    scaling,
    template_data,
    template_version,
    update_config,
)


@serves("eks", "UpdateNodegroupConfig")
def update(call: Call) -> Record:
    cluster, record, given = cluster_of(call), nodegroup_of(call), call.params
    after: Record = {}
    if given.get("scalingConfig"):
        after["scalingConfig"] = scaling({**record["scalingConfig"], **given["scalingConfig"]})
    if given.get("updateConfig"):
        after["updateConfig"] = update_config(given["updateConfig"])
    if given.get("labels"):
        kept = {**record["labels"], **(given["labels"].get("addOrUpdateLabels") or {})}
        after["labels"] = {k: v for k, v in kept.items() if k not in (given["labels"].get("removeLabels") or [])}
    if given.get("taints"):
        after["taints"] = _taints(record["taints"], given["taints"])
    for member in ("nodeRepairConfig", "warmPoolConfig"):
        if given.get(member) is not None:
            after[member] = given[member]
    if not after:
        raise invalid("No changes were given", clusterName=cluster.name, nodegroupName=record["nodegroupName"])
    record.update(after, modifiedAt=time.time())
    resize(call, record)
    params = {member: json.dumps(value) for member, value in after.items()}
    return updated(cluster, "ConfigUpdate", params, nodegroupName=record["nodegroupName"])


@serves("eks", "UpdateNodegroupVersion")
def update_version(call: Call) -> Record:
    cluster, record, given = cluster_of(call), nodegroup_of(call), call.params
    after: Record = {}
    if given.get("launchTemplate"):
        after = _template(call, record)
    custom = after.get("amiType", record["amiType"]) == "CUSTOM"
    if custom and (given.get("version") or given.get("releaseVersion")):
        raise invalid("version and releaseVersion cannot be given for node groups with a custom AMI")
    # without anything to go to, EKS takes the version of the cluster
    version = given.get("version") or (None if given.get("launchTemplate") else cluster.record["version"])
    if version and not custom:
        if minor(version) > minor(cluster.record["version"]):
            raise invalid(f"Node group version {version} is above the cluster's {cluster.record['version']}")
        after["version"] = version
        after["releaseVersion"] = f"{version}.0-local"
    if given.get("releaseVersion"):
        after["releaseVersion"] = given["releaseVersion"]
    record.update(after, modifiedAt=time.time())
    params = {member: json.dumps(value) for member, value in after.items()}
    return updated(cluster, "VersionUpdate", params, nodegroupName=record["nodegroupName"])


def _template(call: Call, record: Record) -> Record:
    """The node group's own template in another version: EKS allows no other template."""
    given = call.params["launchTemplate"]
    if "launchTemplate" not in record:
        raise invalid("You cannot add a launch template to a node group that was made without one")
    template = launch_template(call, given)
    if template.id != record["launchTemplate"]["id"]:
        raise invalid(f"Node group is bound to launch template {record['launchTemplate']['id']}, not {template.id}")
    number = template_version(template, given.get("version"))
    after: Record = {"launchTemplate": {**record["launchTemplate"], "version": str(number)}}
    image = template_data(template, given).get("ImageId")
    if bool(image) != (record["amiType"] == "CUSTOM"):
        raise invalid("A node group cannot change between a custom AMI and an EKS AMI")
    return {**after, "releaseVersion": image} if image else after


def _taints(before: list[Record], change: Record) -> list[Record]:
    """Taints are told apart by key and effect."""

    def key(taint: Record) -> tuple[str | None, str | None]:
        return taint.get("key"), taint.get("effect")

    kept = {key(taint): taint for taint in before}
    for taint in change.get("removeTaints") or []:
        kept.pop(key(taint), None)
    kept |= {key(taint): taint for taint in change.get("addOrUpdateTaints") or []}
    return list(kept.values())
