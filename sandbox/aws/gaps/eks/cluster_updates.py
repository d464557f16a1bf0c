"""Updates of EKS clusters: configuration, version, encryption, and looking updates up.

As in EKS, one call changes one kind of thing, and a change that changes nothing is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import (
    Cluster,
    Record,
    bad_request,
    cluster_of,
    in_use,
    invalid,
    minor,
    not_found,
    page,
    updated,
)
from sandbox.aws.gaps.eks.clusters import logging, networking

MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
"""Authentication modes in the only direction they can be changed."""


def _network(call: Call, cluster: Cluster, given: Record) -> tuple[str, Record]:
    before = cluster.record["resourcesVpcConfig"]
    after = {**networking(call, {**before, **given}), "clusterSecurityGroupId": before["clusterSecurityGroupId"]}
    if after["vpcId"] != before["vpcId"]:
        raise invalid("Subnets specified must belong to the VPC of the cluster")
    kind = "VpcConfigUpdate" if "subnetIds" in given or "securityGroupIds" in given else "EndpointAccessUpdate"
    return kind, {"resourcesVpcConfig": after}


def _logging(_: Call, cluster: Cluster, given: Record) -> tuple[str, Record]:
    """Types that a call does not name stay as they are."""
    parts = cluster.record["logging"]["clusterLogging"]
    state = {kind: part["enabled"] for part in parts for kind in part["types"]}
    state |= {kind: part.get("enabled", False) for part in given["clusterLogging"] for kind in part.get("types") or []}
    return "LoggingUpdate", {
        "logging": logging({"clusterLogging": [{"types": [k], "enabled": on} for k, on in state.items()]})
    }


def _access(_: Call, cluster: Cluster, given: Record) -> tuple[str, Record]:
    before = cluster.record["accessConfig"]
    mode = given.get("authenticationMode") or before["authenticationMode"]
    if MODES.index(mode) < MODES.index(before["authenticationMode"]):
        raise invalid(f"Unsupported authentication mode update from {before['authenticationMode']} to {mode}")
    return "AccessConfigUpdate", {"accessConfig": {**before, "authenticationMode": mode}}


def _whole(member: str, kind: str) -> Callable[[Call, Cluster, Record], tuple[str, Record]]:
    """A member that is replaced, or completed when it is a structure."""

    def change(_: Call, cluster: Cluster, given: Record) -> tuple[str, Record]:
        before = cluster.record.get(member)
        return kind, {member: {**before, **given} if isinstance(before, dict) and isinstance(given, dict) else given}

    return change


CHANGES: dict[str, Callable[[Call, Cluster, Record], tuple[str, Record]]] = {
    "resourcesVpcConfig": _network,
    "logging": _logging,
    "accessConfig": _access,
    "upgradePolicy": _whole("upgradePolicy", "UpgradePolicyUpdate"),
    "zonalShiftConfig": _whole("zonalShiftConfig", "ZonalShiftConfigUpdate"),
    "computeConfig": _whole("computeConfig", "AutoModeUpdate"),
    "kubernetesNetworkConfig": _whole("kubernetesNetworkConfig", "AutoModeUpdate"),
    "storageConfig": _whole("storageConfig", "AutoModeUpdate"),
    "remoteNetworkConfig": _whole("remoteNetworkConfig", "RemoteNetworkConfigUpdate"),
    "deletionProtection": _whole("deletionProtection", "DeletionProtectionUpdate"),
    "controlPlaneScalingConfig": _whole("controlPlaneScalingConfig", "ControlPlaneScalingConfigUpdate"),
    "kubeApiServerConfig": _whole("kubeApiServerConfig", "ConfigUpdate"),
    "kubeSchedulerConfig": _whole("kubeSchedulerConfig", "ConfigUpdate"),
    "kubeControllerManagerConfig": _whole("kubeControllerManagerConfig", "ConfigUpdate"),
}


@serves("eks", "UpdateClusterConfig")
def update_config(call: Call) -> Record:
    cluster = cluster_of(call, "name")
    given = {member: call.params[member] for member in CHANGES if call.params.get(member) is not None}
    if not given:
        raise invalid("No changes were given", clusterName=cluster.name)
    planned = [CHANGES[member](call, cluster, value) for member, value in given.items()]
    kinds = {kind for kind, _ in planned}
    if len(kinds) > 1:
        raise invalid(
            f"Only one type of update can be allowed, got {', '.join(sorted(kinds))}", clusterName=cluster.name
        )
    changes: Record = {member: value for _, change in planned for member, value in change.items()}
    if all(cluster.record.get(member) == value for member, value in changes.items()):
        raise invalid(f"No changes needed for {', '.join(given)}", clusterName=cluster.name)
    cluster.record.update(changes)
    return updated(cluster, kinds.pop(), {member: json.dumps(value) for member, value in given.items()})


@serves("eks", "UpdateClusterVersion")
def update_version(call: Call) -> Record:
    cluster, version = cluster_of(call, "name"), call.params["version"]
    before = cluster.record["version"]
    step = minor(version) - minor(before)
    if step == 0:
        raise invalid(f"The cluster is already at version {version}", clusterName=cluster.name)
    if step != 1:
        raise invalid(
            f"Unsupported Kubernetes minor version update from {before} to {version}", clusterName=cluster.name
        )
    behind = [name for name, group in cluster.nodegroups.items() if minor(version) - minor(group["version"]) > 3]
    if behind:
        raise bad_request(f"Nodegroups {', '.join(behind)} must be updated to match cluster version {before}")
    cluster.record["version"] = version
    return updated(cluster, "VersionUpdate", {"Version": version, "PlatformVersion": "eks.1"})


@serves("eks", "AssociateEncryptionConfig")
def associate_encryption(call: Call) -> Record:
    cluster = cluster_of(call)
    if cluster.record.get("encryptionConfig"):
        raise in_use("Encryption is already enabled", clusterName=cluster.name)
    cluster.record["encryptionConfig"] = call.params["encryptionConfig"]
    params = {"EncryptionConfig": json.dumps(call.params["encryptionConfig"])}
    return updated(cluster, "AssociateEncryptionConfig", params)


def _belongs(update: Record, call: Call) -> bool:
    owner = {key: call.params[key] for key in ("nodegroupName", "addonName") if call.params.get(key)}
    return update["_owner"] == owner


@serves("eks", "DescribeUpdate")
def describe_update(call: Call) -> Record:
    cluster, wanted = cluster_of(call, "name"), call.params["updateId"]
    update = cluster.updates.get(wanted)
    if update is None or not _belongs(update, call):
        raise not_found(f"No update found for ID: {wanted}", clusterName=cluster.name)
    return {"update": update}


@serves("eks", "ListUpdates")
def list_updates(call: Call) -> Record:
    cluster = cluster_of(call, "name")
    return page(call, [key for key, update in cluster.updates.items() if _belongs(update, call)], "updateIds")
