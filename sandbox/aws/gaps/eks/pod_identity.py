"""EKS pod identity associations: which IAM role a service account takes."""

from __future__ import annotations

import time
import uuid

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import Cluster, Record, cluster_of, in_use, invalid, not_found, page, role_exists


def new_association(call: Call, cluster: Cluster, given: Record, owner: str | None = None) -> Record:
    """Make an association; `owner` is the ARN of the add-on that asked for it."""
    namespace, account = given["namespace"], given["serviceAccount"]
    role_exists(call, given["roleArn"], "Role")
    taken = [a for a in cluster.associations.values() if (a["namespace"], a["serviceAccount"]) == (namespace, account)]
    if taken:
        raise in_use(
            f"Association already exists: {taken[0]['associationId']} for {namespace}/{account}",
            clusterName=cluster.name,
        )
    identity = new_id("a-")
    record: Record = {
        "clusterName": cluster.name,
        "namespace": namespace,
        "serviceAccount": account,
        "roleArn": given["roleArn"],
        "associationArn": call.arn(f"podidentityassociation/{cluster.name}/{identity}"),
        "associationId": identity,
        "tags": given.get("tags") or {},
        "createdAt": time.time(),
        "modifiedAt": time.time(),
        "disableSessionTags": bool(given.get("disableSessionTags")),
    }
    if owner:
        record["ownerArn"] = owner
    _target(record, given)
    cluster.associations[identity] = record
    return record


def _target(record: Record, given: Record) -> None:
    """Members that only some associations have."""
    if given.get("policy") and not given.get("disableSessionTags", record["disableSessionTags"]):
        raise invalid("policy needs disableSessionTags")
    if given.get("policy"):
        record["policy"] = given["policy"]
    if given.get("targetRoleArn"):
        record["targetRoleArn"] = given["targetRoleArn"]
        record.setdefault("externalId", str(uuid.uuid4()))


def _association(call: Call) -> tuple[Cluster, Record]:
    cluster, identity = cluster_of(call), call.params["associationId"]
    if identity not in cluster.associations:
        raise not_found(f"The association ID {identity} could not be found", clusterName=cluster.name)
    return cluster, cluster.associations[identity]


@serves("eks", "CreatePodIdentityAssociation")
def create(call: Call) -> Record:
    return {"association": new_association(call, cluster_of(call), call.params)}


@serves("eks", "DescribePodIdentityAssociation")
def describe(call: Call) -> Record:
    return {"association": _association(call)[1]}


@serves("eks", "ListPodIdentityAssociations")
def list_associations(call: Call) -> Record:
    cluster = cluster_of(call)
    wanted = {key: call.params[key] for key in ("namespace", "serviceAccount") if call.params.get(key)}
    members = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")
    found = [a for a in cluster.associations.values() if wanted.items() <= a.items()]
    return page(call, [{m: a[m] for m in members if m in a} for a in found], "associations")


@serves("eks", "UpdatePodIdentityAssociation")
def update(call: Call) -> Record:
    _, record = _association(call)
    given = call.params
    if given.get("roleArn"):
        role_exists(call, given["roleArn"], "Role")
        record["roleArn"] = given["roleArn"]
    _target(record, given)
    if given.get("targetRoleArn") == "":
        record.pop("targetRoleArn", None)
        record.pop("externalId", None)
    if given.get("disableSessionTags") is not None:
        record["disableSessionTags"] = given["disableSessionTags"]
    record["modifiedAt"] = time.time()
    return {"association": record}


@serves("eks", "DeletePodIdentityAssociation")
def delete(call: Call) -> Record:
    cluster, record = _association(call)
    if record.get("ownerArn"):
        raise invalid(f"The association belongs to {record['ownerArn']}; change it there")
    del cluster.associations[record["associationId"]]
    return {"association": record}
