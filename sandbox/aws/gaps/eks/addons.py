"""EKS add-ons. Nothing is installed: the local cluster has no network to pull from, and says so in no health issue.

Versions come from the catalog (`catalog.releases`); one that is neither given nor known there is answered as
v0.0.0-local.
"""

from __future__ import annotations

import json
import re
import time
import uuid

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import Cluster, Record, cluster_of, default_version, in_use, invalid, not_found, page, updated
from sandbox.aws.gaps.eks.pod_identity import new_association

VERSION = re.compile(r"v\d+\.\d+\.\d+(-[\w.]+)?")
UNKNOWN_CHOICE = "v0.0.0-local"
"""What stands for EKS's own choice where the catalog does not know it."""


def _known(name: str, kubernetes: str) -> str | None:
    """The version of an add-on that the catalog knows for a Kubernetes version."""
    from catalog import releases

    release = releases.get(name)
    return release.for_kubernetes(kubernetes) if release else None


def _addon(call: Call) -> tuple[Cluster, Record]:
    cluster, name = cluster_of(call), call.params["addonName"]
    if name not in cluster.addons:
        raise not_found(f"No addon: {name} found in cluster: {cluster.name}", clusterName=cluster.name, addonName=name)
    return cluster, cluster.addons[name]


def _version(cluster: Cluster, name: str, given: str | None) -> str:
    version = given or _known(name, cluster.record["version"]) or UNKNOWN_CHOICE
    if not VERSION.fullmatch(version):
        raise invalid(f"Addon version specified is not supported: {version}", addonName=name)
    return version


def _values(name: str, text: str | None) -> str | None:
    """Configuration values must be JSON or YAML of a mapping."""
    import yaml

    if text is None or text == "":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not isinstance(value, dict):
        raise invalid("ConfigurationValue is not in valid JSON or YAML format", addonName=name)
    return text


def _identities(call: Call, cluster: Cluster, record: Record) -> None:
    """Replace the pod identity associations that the add-on owns by those of the call."""
    for association in [a for a in cluster.associations.values() if a.get("ownerArn") == record["addonArn"]]:
        del cluster.associations[association["associationId"]]
    namespace = (record.get("namespaceConfig") or {}).get("namespace") or "kube-system"
    made = [
        new_association(call, cluster, {**given, "namespace": namespace}, owner=record["addonArn"])
        for given in call.params["podIdentityAssociations"]
    ]
    record["podIdentityAssociations"] = [association["associationArn"] for association in made]


@serves("eks", "CreateAddon")
def create(call: Call) -> Record:
    cluster, given = cluster_of(call), call.params
    name = given["addonName"]
    if name in cluster.addons:
        raise in_use("Addon already exists.", clusterName=cluster.name, addonName=name)
    record: Record = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "addonVersion": _version(cluster, name, given.get("addonVersion")),
        "health": {"issues": []},
        "addonArn": call.arn(f"addon/{cluster.name}/{name}/{uuid.uuid4()}"),
        "createdAt": time.time(),
        "modifiedAt": time.time(),
        "tags": given.get("tags") or {},
    }
    for member in ("serviceAccountRoleArn", "namespaceConfig"):
        if given.get(member):
            record[member] = given[member]
    if given.get("configurationValues") is not None:
        record["configurationValues"] = _values(name, given["configurationValues"])
    if given.get("podIdentityAssociations"):
        _identities(call, cluster, record)
    cluster.addons[name] = record
    return {"addon": {**record, "status": "CREATING"}}


@serves("eks", "DescribeAddon")
def describe(call: Call) -> Record:
    return {"addon": _addon(call)[1]}


@serves("eks", "ListAddons")
def list_names(call: Call) -> Record:
    return page(call, sorted(cluster_of(call).addons), "addons")


@serves("eks", "UpdateAddon")
def update(call: Call) -> Record:
    cluster, record = _addon(call)
    given, name = call.params, record["addonName"]
    after: Record = {}
    if given.get("addonVersion"):
        after["addonVersion"] = _version(cluster, name, given["addonVersion"])
    if given.get("configurationValues") is not None:
        after["configurationValues"] = _values(name, given["configurationValues"])
    if given.get("serviceAccountRoleArn") is not None:
        after["serviceAccountRoleArn"] = given["serviceAccountRoleArn"]
    if given.get("podIdentityAssociations") is not None:
        _identities(call, cluster, record)
    record.update(after, modifiedAt=time.time())
    params = {member: json.dumps(value) for member, value in after.items()}
    return updated(cluster, "AddonUpdate", params, addonName=name)


@serves("eks", "DeleteAddon")
def delete(call: Call) -> Record:
    cluster, record = _addon(call)
    del cluster.addons[record["addonName"]]
    for association in [a for a in cluster.associations.values() if a.get("ownerArn") == record["addonArn"]]:
        del cluster.associations[association["associationId"]]
    return {"addon": {**record, "status": "DELETING"}}


@serves("eks", "DescribeAddonVersions")
def describe_versions(call: Call) -> Record:
    """The one version of an add-on that the catalog has. Raises when it does not know the add-on."""
    name, wanted = call.params.get("addonName"), call.params.get("kubernetesVersion") or default_version()
    if not name:
        raise call.not_available("without addonName")
    version = _known(name, wanted)
    if version is None:
        raise not_found(f"No addon: {name} for {wanted} in the catalog of the local cloud", addonName=name)
    compatible = [{"clusterVersion": wanted, "platformVersions": ["*"], "defaultVersion": True}]
    entry = {"addonVersion": version, "compatibilities": compatible, "requiresConfiguration": False}
    return {"addons": [{"addonName": name, "addonVersions": [entry]}]}
