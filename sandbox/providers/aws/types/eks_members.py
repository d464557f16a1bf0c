"""What belongs to an EKS cluster by name: add-ons, access entries and their policies, pod identities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.providers.aws.record import Api, Found, Record, Resource, Step, after
from sandbox.providers.aws.shapes import whole
from sandbox.providers.aws.types.eks import GONE, PENDING, described, of_cluster, tagging


def _addons(api: Api, cluster: str) -> Iterable[Found]:
    for name in whole(api, "list_addons", "addons", clusterName=cluster):
        yield described(api, "describe_addon", "addon", "addonArn", clusterName=cluster, addonName=name)


def _names(r: Resource) -> dict[str, str]:
    return {"clusterName": r["clusterName"], "addonName": r["addonName"]}


ADDON = Record(
    type="aws:eks/addon:Addon",
    service="eks",
    create=lambda api, r: after(
        api(
            "create_addon",
            **_names(r),
            addonVersion=r["addonVersion"],
            configurationValues=r["configurationValues"],
            resolveConflicts=r["resolveConflictsOnCreate"],
            serviceAccountRoleArn=r["serviceAccountRoleArn"],
            podIdentityAssociations=r["podIdentityAssociations"],
            **r.tags_argument,
        ),
        ":".join(_names(r).values()),
    ),
    read=lambda api, r: api("describe_addon", **_names(r))["addon"],
    delete=lambda api, r: api("delete_addon", **_names(r), preserve=r["preserve"]),
    gone=GONE,
    required=("clusterName", "addonName"),
    force=("clusterName", "addonName"),
    steps=(
        Step(
            ("addonVersion", "configurationValues", "serviceAccountRoleArn", "podIdentityAssociations"),
            lambda api, r: api(
                "update_addon",
                **_names(r),
                addonVersion=r["addonVersion"],
                configurationValues=r["configurationValues"],
                resolveConflicts=r["resolveConflictsOnUpdate"],
                serviceAccountRoleArn=r["serviceAccountRoleArn"],
                podIdentityAssociations=r["podIdentityAssociations"],
            ),
            at_create=False,
        ),
    ),
    stored=("preserve", "resolveConflictsOnCreate", "resolveConflictsOnUpdate"),
    identity=lambda r: ":".join(str(name) for name in _names(r).values()),
    parse_id=lambda text: dict(zip(("clusterName", "addonName"), text.split(":", 1), strict=False)),
    computed=(
        "addonVersion",
        "configurationValues",
    ),
    outputs={
        "arn": "addonArn",
        "clusterName": "clusterName",
        "addonName": "addonName",
        "addonVersion": "addonVersion",
        "configurationValues": lambda live, _: live.get("configurationValues") or None,
        "serviceAccountRoleArn": "serviceAccountRoleArn",
        "createdAt": "createdAt",
        "modifiedAt": "modifiedAt",
    },
    status=lambda live: live.get("status"),
    pending=PENDING,
    failed=("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"),
    tagging=tagging(),
    listing=of_cluster(_addons),
)


def _principal(r: Resource) -> dict[str, str]:
    return {"clusterName": r["clusterName"], "principalArn": r["principalArn"]}


def _entries(api: Api, cluster: str) -> Iterable[Found]:
    for arn in whole(api, "list_access_entries", "accessEntries", clusterName=cluster):
        names = {"clusterName": cluster, "principalArn": arn}
        yield described(api, "describe_access_entry", "accessEntry", "accessEntryArn", **names)


ACCESS_ENTRY = Record(
    type="aws:eks/accessEntry:AccessEntry",
    service="eks",
    create=lambda api, r: after(
        api(
            "create_access_entry",
            **_principal(r),
            kubernetesGroups=r["kubernetesGroups"],
            username=r["userName"],
            type=r["type"],
            **r.tags_argument,
        ),
        f"{r['clusterName']}:{r['principalArn']}",
    ),
    read=lambda api, r: api("describe_access_entry", **_principal(r))["accessEntry"],
    delete=lambda api, r: api("delete_access_entry", **_principal(r)),
    gone=GONE,
    required=("clusterName", "principalArn"),
    force=("clusterName", "principalArn", "type"),
    steps=(
        Step(
            ("kubernetesGroups", "userName"),
            lambda api, r: api(
                "update_access_entry",
                **_principal(r),
                kubernetesGroups=r["kubernetesGroups"] or [],
                username=r["userName"],
            ),
            at_create=False,
        ),
    ),
    identity=lambda r: f"{r['clusterName']}:{r['principalArn']}",
    parse_id=lambda text: dict(zip(("clusterName", "principalArn"), text.split(":", 1), strict=False)),
    computed=(
        "kubernetesGroups",
        "userName",
    ),
    outputs={
        "clusterName": "clusterName",
        "principalArn": "principalArn",
        "kubernetesGroups": "kubernetesGroups",
        "userName": "username",
        "type": "type",
        "accessEntryArn": "accessEntryArn",
        "createdAt": "createdAt",
        "modifiedAt": "modifiedAt",
    },
    defaults={"type": "STANDARD"},
    tagging=tagging("accessEntryArn"),
    listing=of_cluster(_entries),
)


def _read_policy(api: Api, r: Resource) -> Any:
    listed = whole(api, "list_associated_access_policies", "associatedAccessPolicies", **_principal(r))
    return next((one for one in listed if one["policyArn"] == r["policyArn"]), None)


ACCESS_POLICY_ASSOCIATION = Record(
    type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    service="eks",
    create=lambda api, r: after(
        api("associate_access_policy", **_principal(r), policyArn=r["policyArn"], accessScope=r["accessScope"]),
        f"{r['clusterName']}#{r['principalArn']}#{r['policyArn']}",
    ),
    read=_read_policy,
    delete=lambda api, r: api("disassociate_access_policy", **_principal(r), policyArn=r["policyArn"]),
    gone=GONE,
    required=("clusterName", "principalArn", "policyArn", "accessScope"),
    force=("clusterName", "principalArn", "policyArn", "accessScope"),
    identity=lambda r: f"{r['clusterName']}#{r['principalArn']}#{r['policyArn']}",
    parse_id=lambda text: dict(zip(("clusterName", "principalArn", "policyArn"), text.split("#", 2), strict=False)),
    outputs={
        "clusterName": lambda _, r: r["clusterName"],
        "principalArn": lambda _, r: r["principalArn"],
        "policyArn": "policyArn",
        "accessScope": "accessScope",
        "associatedAt": "associatedAt",
        "modifiedAt": "modifiedAt",
    },
)


def _pod_identities(api: Api, cluster: str) -> Iterable[Found]:
    for one in whole(api, "list_pod_identity_associations", "associations", clusterName=cluster):
        names = {"clusterName": cluster, "associationId": one["associationId"]}
        found = described(api, "describe_pod_identity_association", "association", "associationArn", **names)
        yield Found(one["associationId"], found.arn, found.tags, f"{cluster},{one['associationId']}")


def _pod_identity(r: Resource) -> dict[str, str]:
    return {"clusterName": r["clusterName"], "associationId": r["associationId"] or r.id}


POD_IDENTITY_ASSOCIATION = Record(
    type="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    service="eks",
    create=lambda api, r: api(
        "create_pod_identity_association",
        clusterName=r["clusterName"],
        namespace=r["namespace"],
        serviceAccount=r["serviceAccount"],
        roleArn=r["roleArn"],
        disableSessionTags=r["disableSessionTags"],
        targetRoleArn=r["targetRoleArn"],
        **r.tags_argument,
    )["association"]["associationId"],
    read=lambda api, r: api("describe_pod_identity_association", **_pod_identity(r))["association"],
    delete=lambda api, r: api("delete_pod_identity_association", **_pod_identity(r)),
    gone=GONE,
    required=("clusterName", "namespace", "serviceAccount", "roleArn"),
    force=("clusterName", "namespace", "serviceAccount"),
    steps=(
        Step(
            ("roleArn", "disableSessionTags", "targetRoleArn"),
            lambda api, r: api(
                "update_pod_identity_association",
                **_pod_identity(r),
                roleArn=r["roleArn"],
                disableSessionTags=r["disableSessionTags"],
                targetRoleArn=r["targetRoleArn"],
            ),
            at_create=False,
        ),
    ),
    canonical=lambda live, _: live["associationId"],
    parse_id=lambda text: dict(zip(("clusterName", "associationId"), text.split(",", 1), strict=False)),
    outputs={
        "clusterName": "clusterName",
        "namespace": "namespace",
        "serviceAccount": "serviceAccount",
        "roleArn": "roleArn",
        "disableSessionTags": lambda live, r: live.get("disableSessionTags") if "disableSessionTags" in r else None,
        "targetRoleArn": "targetRoleArn",
        "associationArn": "associationArn",
        "associationId": "associationId",
        "externalId": "externalId",
    },
    tagging=tagging("associationArn"),
    listing=of_cluster(_pod_identities),
)

RECORDS = (ADDON, ACCESS_ENTRY, ACCESS_POLICY_ASSOCIATION, POD_IDENTITY_ASSOCIATION)
