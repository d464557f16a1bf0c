"""EKS, served whole: what a cluster holds, and the look-ups and errors that all EKS actions share.

Records are kept in the shape the API answers with. Creation and updates are done at once; only the answer of a create
or delete says CREATING or DELETING, so that clients go through their waiters. Versions: any "1.NN" is accepted,
upgrades go one minor at a time. Left out: Fargate profiles, identity provider configurations, insights, capabilities,
EKS Anywhere, Outposts.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.wire import ApiError

Record = dict[str, Any]


@dataclass
class Entry:
    """An access entry and the access policies associated with it, by policy ARN."""

    record: Record
    policies: dict[str, Record] = field(default_factory=dict)


@dataclass
class Cluster:
    """A cluster and everything that is deleted with it or must be deleted before it."""

    record: Record
    nodegroups: dict[str, Record] = field(default_factory=dict)
    addons: dict[str, Record] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    associations: dict[str, Record] = field(default_factory=dict)
    updates: dict[str, Record] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.record["name"]


@dataclass
class Clusters:
    """The store: clusters of one account and region by name."""

    by_name: dict[str, Cluster] = field(default_factory=dict)


def not_found(message: str, **members: Any) -> ApiError:
    return ApiError("ResourceNotFoundException", message, 404, **members)


def in_use(message: str, **members: Any) -> ApiError:
    return ApiError("ResourceInUseException", message, 409, **members)


def invalid(message: str, **members: Any) -> ApiError:
    return ApiError("InvalidParameterException", message, 400, **members)


def bad_request(message: str, **members: Any) -> ApiError:
    return ApiError("InvalidRequestException", message, 400, **members)


def cluster_of(call: Call, key: str = "clusterName") -> Cluster:
    """The cluster a call names. Raises ResourceNotFoundException."""
    name = call.params[key]
    found = call.store(Clusters).by_name.get(name)
    if found is None:
        raise not_found(f"No cluster found for name: {name}.", clusterName=name)
    return found


def nodegroup_of(call: Call) -> Record:
    """The node group a call names. Raises ResourceNotFoundException."""
    cluster, name = cluster_of(call), call.params["nodegroupName"]
    if name not in cluster.nodegroups:
        raise not_found(f"No node group found for name: {name}.", clusterName=cluster.name, nodegroupName=name)
    return cluster.nodegroups[name]


def updated(cluster: Cluster, kind: str, params: Record, **owner: str) -> Record:
    """Note a finished update of a cluster, node group or add-on (`owner`); the answer says it is in progress."""
    update = {
        "id": str(uuid.uuid4()),
        "status": "Successful",
        "type": kind,
        "params": [{"type": name, "value": str(value)} for name, value in params.items()],
        "createdAt": time.time(),
        "errors": [],
    }
    cluster.updates[update["id"]] = {**update, "_owner": owner}
    return {"update": {**update, "status": "InProgress"}}


def page(call: Call, names: list[Any], member: str) -> Record:
    """A page of a listing, by `maxResults` and `nextToken` (the offset)."""
    start, size = int(call.params.get("nextToken") or 0), int(call.params.get("maxResults") or 100)
    more = start + size < len(names)
    return {member: names[start : start + size], "nextToken": str(start + size) if more else None}


def minor(version: str) -> int:
    """The NN of "1.NN". Raises InvalidParameterException for versions that the catalog does not know of EKS."""
    from catalog import eks_versions

    if version not in eks_versions:
        raise invalid(f"unsupported Kubernetes version {version}: the catalog knows {', '.join(eks_versions)}")
    return int(version.split(".")[1])


def default_version() -> str:
    """The Kubernetes version of a cluster that names none: the newest that the catalog knows for EKS."""
    from catalog import releases

    version = releases["eks"].version
    if version is None:
        raise invalid("give a version: the catalog names none for EKS")
    return version


def role_exists(call: Call, arn: str, what: str) -> None:
    """Raise InvalidParameterException unless the ARN is that of a role in the emulated IAM."""
    if not any(role.arn == arn for role in call.backend("iam").roles.values()):
        raise invalid(f"{what} {arn} does not exist or cannot be assumed")
