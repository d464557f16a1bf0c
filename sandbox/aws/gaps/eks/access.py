"""EKS access entries and the access policies associated with them.

Names of policies and what they grant: EKS user guide, "Review access policy permissions". A principal need not exist
in the emulated IAM: administrators of a stack usually come from elsewhere. How an entry becomes groups is in
`sandbox.aws.tokens`.
"""

from __future__ import annotations

import re
import time
import uuid

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import Cluster, Entry, Record, bad_request, cluster_of, in_use, invalid, not_found, page

POLICIES = (
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
)
TYPES = ("STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
PRINCIPAL = re.compile(r"arn:aws[\w-]*:(iam|sts)::\d{12}:(user|role|root|assumed-role)(/.+)?")


def policy_arn(name: str, partition: str) -> str:
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def new_entry(
    call: Call,
    cluster: Cluster,
    principal: str,
    *,
    kind: str = "STANDARD",
    username: str | None = None,
    groups: list[str] | None = None,
    tags: dict[str, str] | None = None,
) -> Record:
    """The record of an access entry, with the user name and groups that EKS fills in."""
    account, resource = principal.split(":")[4], principal.split(":", 5)[5]
    sort, _, name = resource.partition("/")
    if kind == "EC2_LINUX":
        username, groups = "system:node:{{EC2PrivateDNSName}}", ["system:nodes"]
    elif sort == "role" and not username:
        # the path of a role is not part of what its sessions are called
        role = name.rsplit("/", 1)[-1]
        username = f"arn:{call.partition}:sts::{account}:assumed-role/{role}/{{{{SessionName}}}}"
    suffix = f"{cluster.name}/{sort}/{account}/{name}/{uuid.uuid4()}"
    return {
        "clusterName": cluster.name,
        "principalArn": principal,
        "kubernetesGroups": groups or [],
        "accessEntryArn": call.arn(f"access-entry/{suffix}"),
        "createdAt": time.time(),
        "modifiedAt": time.time(),
        "tags": tags or {},
        "username": username or principal,
        "type": kind,
    }


def associate(entry: Entry, policy: str, scope: Record, partition: str) -> Record:
    arn = policy_arn(policy, partition)
    before = entry.policies.get(arn, {"associatedAt": time.time()})
    entry.policies[arn] = {**before, "policyArn": arn, "accessScope": scope, "modifiedAt": time.time()}
    return entry.policies[arn]


def _entry(call: Call) -> tuple[Cluster, Entry]:
    cluster, principal = cluster_of(call), call.params["principalArn"]
    if principal not in cluster.entries:
        raise not_found("The specified principalArn could not be found. You can view your available access entries "
                        f"with 'list-access-entries'. ({principal})")  # fmt: skip
    return cluster, cluster.entries[principal]


@serves("eks", "CreateAccessEntry")
def create(call: Call) -> Record:
    cluster, given = cluster_of(call), call.params
    principal, kind = given["principalArn"], given.get("type") or "STANDARD"
    if cluster.record["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        raise bad_request(
            "The cluster's authentication mode must be one of [API, API_AND_CONFIG_MAP] to perform this operation."
        )
    if not PRINCIPAL.fullmatch(principal):
        raise invalid(f"The specified principalArn is invalid: {principal} is no IAM principal.")
    if kind not in TYPES:
        raise invalid(f"The specified type is invalid: {kind} is not one of {', '.join(TYPES)}.")
    _check_names(given, kind)
    if principal in cluster.entries:
        raise in_use("The specified access entry resource is already in use on this cluster.", clusterName=cluster.name)
    record = new_entry(
        call,
        cluster,
        principal,
        kind=kind,
        username=given.get("username"),
        groups=given.get("kubernetesGroups"),
        tags=given.get("tags"),
    )
    cluster.entries[principal] = Entry(record)
    return {"accessEntry": record}


@serves("eks", "DescribeAccessEntry")
def describe(call: Call) -> Record:
    return {"accessEntry": _entry(call)[1].record}


@serves("eks", "ListAccessEntries")
def list_entries(call: Call) -> Record:
    cluster, policy = cluster_of(call), call.params.get("associatedPolicyArn")
    names = [name for name, entry in sorted(cluster.entries.items()) if not policy or policy in entry.policies]
    return page(call, names, "accessEntries")


@serves("eks", "UpdateAccessEntry")
def update(call: Call) -> Record:
    _, entry = _entry(call)
    _check_names(call.params, entry.record["type"])
    for member in ("kubernetesGroups", "username"):
        if call.params.get(member) is not None:
            entry.record[member] = call.params[member]
    entry.record["modifiedAt"] = time.time()
    return {"accessEntry": entry.record}


@serves("eks", "DeleteAccessEntry")
def delete(call: Call) -> Record:
    cluster, entry = _entry(call)
    del cluster.entries[entry.record["principalArn"]]
    return {}


@serves("eks", "AssociateAccessPolicy")
def associate_policy(call: Call) -> Record:
    cluster, entry = _entry(call)
    name = call.params["policyArn"].rsplit("/", 1)[-1]
    if name not in POLICIES or call.params["policyArn"] != policy_arn(name, call.partition):
        raise not_found(f"The specified policyArn could not be found: {call.params['policyArn']}")
    if entry.record["type"] != "STANDARD":
        raise bad_request(f"Access policies cannot be associated with entries of type {entry.record['type']}")
    given = call.params["accessScope"]
    scope = {"type": given.get("type"), "namespaces": given.get("namespaces") or []}
    if scope["type"] not in ("cluster", "namespace") or (scope["type"] == "namespace") != bool(scope["namespaces"]):
        raise invalid("accessScope: namespaces go with type namespace, and only with it")
    made = associate(entry, name, scope, call.partition)
    principal = entry.record["principalArn"]
    return {"clusterName": cluster.name, "principalArn": principal, "associatedAccessPolicy": made}


@serves("eks", "DisassociateAccessPolicy")
def disassociate_policy(call: Call) -> Record:
    _, entry = _entry(call)
    if entry.policies.pop(call.params["policyArn"], None) is None:
        raise not_found("The specified policyArn is not associated with the specified principalArn.")
    return {}


@serves("eks", "ListAssociatedAccessPolicies")
def list_associated(call: Call) -> Record:
    cluster, entry = _entry(call)
    listed = page(call, list(entry.policies.values()), "associatedAccessPolicies")
    return {"clusterName": cluster.name, "principalArn": entry.record["principalArn"], **listed}


@serves("eks", "ListAccessPolicies")
def list_policies(call: Call) -> Record:
    return page(call, [{"name": name, "arn": policy_arn(name, call.partition)} for name in POLICIES], "accessPolicies")


def _check_names(given: Record, kind: str) -> None:
    """Names that belong to Kubernetes or EKS cannot be taken (EKS user guide, "Create access entries")."""
    username, groups = given.get("username") or "", given.get("kubernetesGroups") or []
    if kind != "STANDARD" and (username or groups):
        raise invalid(f"username and kubernetesGroups cannot be given for type {kind}")
    for name in [username, *groups]:
        reserved = next((p for p in ("system:", "eks:", "aws:", "amazon:", "iam:") if name.startswith(p)), None)
        if reserved:
            raise invalid(f"{name}: names that begin with {reserved} are reserved")
