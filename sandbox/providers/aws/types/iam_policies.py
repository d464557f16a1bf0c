"""IAM policies, inline and managed, and instance profiles. Global: no region input."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, at
from sandbox.providers.aws.shapes import text, whole
from sandbox.providers.aws.types.iam import GONE
from sandbox.providers.protocol import Props

VERSIONS_KEPT = 5
"""AWS keeps five versions of a managed policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

# Policies of a role


def _split(separator: str, *names: str) -> Any:
    return lambda text: dict(zip(names, text.split(separator, len(names) - 1), strict=False))


def _put_role_policy(api: Api, r: Resource) -> str:
    api("put_role_policy", RoleName=r["role"], PolicyName=r["name"], PolicyDocument=text(r["policy"]))
    return f"{r['role']}:{r['name']}"


ROLE_POLICY = Record(
    type="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    regional=False,
    create=_put_role_policy,
    read=lambda api, r: api("get_role_policy", RoleName=r["role"], PolicyName=r["name"]),
    delete=lambda api, r: api("delete_role_policy", RoleName=r["role"], PolicyName=r["name"]),
    gone=GONE,
    required=("role", "policy"),
    force=("role", "name", "namePrefix"),
    steps=(Step(("policy",), _put_role_policy, at_create=False),),
    naming=Naming(longest=128),
    identity=lambda r: f"{r['role']}:{r['name']}",
    parse_id=_split(":", "role", "name"),
    outputs={"role": "RoleName", "name": "PolicyName", "policy": lambda live, _: text(live.get("PolicyDocument"))},
)


def _read_attachment(api: Api, r: Resource) -> Any:
    listed = whole(api, "list_attached_role_policies", "AttachedPolicies", RoleName=r["role"])
    return next((one for one in listed if one["PolicyArn"] == r["policyArn"]), None)


def _attach(api: Api, r: Resource) -> str:
    if _read_attachment(api, r) is None:
        api("attach_role_policy", RoleName=r["role"], PolicyArn=r["policyArn"])
    return f"{r['role']}/{r['policyArn']}"


ROLE_POLICY_ATTACHMENT = Record(
    type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    regional=False,
    create=_attach,
    read=_read_attachment,
    delete=lambda api, r: api("detach_role_policy", RoleName=r["role"], PolicyArn=r["policyArn"]),
    gone=GONE,
    required=("role", "policyArn"),
    force=("role", "policyArn"),
    identity=lambda r: f"{r['role']}/{r['policyArn']}",
    parse_id=_split("/", "role", "policyArn"),
    outputs={"role": lambda _, r: r["role"], "policyArn": "PolicyArn"},
)

# Managed policy


def _read_policy(api: Api, r: Resource) -> Any:
    policy = api("get_policy", PolicyArn=r.id)["Policy"]
    version = api("get_policy_version", PolicyArn=r.id, VersionId=policy["DefaultVersionId"])
    return {**policy, "Document": version["PolicyVersion"]["Document"]}


def _versions(api: Api, r: Resource) -> list[Any]:
    versions = whole(api, "list_policy_versions", "Versions", PolicyArn=r.id)
    return sorted((one for one in versions if not one["IsDefaultVersion"]), key=lambda one: one["CreateDate"])


def _new_policy_version(api: Api, r: Resource) -> None:
    old = _versions(api, r)
    for version in old[: max(0, len(old) + 2 - VERSIONS_KEPT)]:
        api("delete_policy_version", PolicyArn=r.id, VersionId=version["VersionId"])
    api("create_policy_version", PolicyArn=r.id, PolicyDocument=text(r["policy"]), SetAsDefault=True)


def _delete_policy(api: Api, r: Resource) -> None:
    for version in _versions(api, r):
        api("delete_policy_version", PolicyArn=r.id, VersionId=version["VersionId"])
    api("delete_policy", PolicyArn=r.id)


def _parse_policy_arn(arn: str) -> Props:
    return {"name": arn.rpartition("/")[2]}


POLICY = Record(
    type="aws:iam/policy:Policy",
    service="iam",
    regional=False,
    create=lambda api, r: api(
        "create_policy",
        PolicyName=r["name"],
        Path=r["path"],
        Description=r["description"],
        PolicyDocument=text(r["policy"]),
        **r.tags_argument,
    )["Policy"]["Arn"],
    read=_read_policy,
    delete=_delete_policy,
    gone=GONE,
    required=("policy",),
    force=("name", "namePrefix", "path", "description"),
    steps=(Step(("policy",), _new_policy_version, at_create=False),),
    naming=Naming(longest=128),
    identity=lambda r: r.arn("iam", f"policy{r['path'] or '/'}{r['name']}", region=False),
    known=lambda r: {"arn": r.arn("iam", f"policy{r['path'] or '/'}{r['name']}", region=False)},
    parse_id=_parse_policy_arn,
    outputs={
        "arn": "Arn",
        "name": "PolicyName",
        "path": "Path",
        "description": "Description",
        "policyId": "PolicyId",
        "attachmentCount": "AttachmentCount",
        "policy": lambda live, _: text(live.get("Document")),
    },
    defaults={"path": "/"},
    tagging=tags.iam("policy", "PolicyArn"),
    listing=lambda api: [
        Found(one["Arn"], one["Arn"], tags.from_pairs(api("list_policy_tags", PolicyArn=one["Arn"]).get("Tags")))
        for one in whole(api, "list_policies", "Policies", Scope="Local")
    ],
)

# Instance profile


def _profile(api: Api, r: Resource) -> Any:
    return api("get_instance_profile", InstanceProfileName=r.id)["InstanceProfile"]


def _set_role(api: Api, r: Resource) -> None:
    now = at(_profile(api, r), "Roles.0.RoleName")
    if now and now != r["role"]:
        api("remove_role_from_instance_profile", InstanceProfileName=r.id, RoleName=now)
    if r["role"] and now != r["role"]:
        api("add_role_to_instance_profile", InstanceProfileName=r.id, RoleName=r["role"])


def _delete_profile(api: Api, r: Resource) -> None:
    for role in _profile(api, r).get("Roles") or []:
        api("remove_role_from_instance_profile", InstanceProfileName=r.id, RoleName=role["RoleName"])
    api("delete_instance_profile", InstanceProfileName=r.id)


def _profile_tags(api: Api, name: str) -> tags.Tags:
    return tags.from_pairs(api("get_instance_profile", InstanceProfileName=name)["InstanceProfile"].get("Tags"))


INSTANCE_PROFILE = Record(
    type="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    regional=False,
    create=lambda api, r: api(
        "create_instance_profile", InstanceProfileName=r["name"], Path=r["path"], **r.tags_argument
    )["InstanceProfile"]["InstanceProfileName"],
    read=_profile,
    delete=_delete_profile,
    gone=GONE,
    force=("name", "namePrefix", "path"),
    steps=(Step(("role",), _set_role),),
    naming=Naming(longest=128),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("iam", f"instance-profile{r['path'] or '/'}{r['name']}", region=False)},
    parse_id=lambda name: {"name": name},
    outputs={
        "arn": "Arn",
        "name": "InstanceProfileName",
        "path": "Path",
        "uniqueId": "InstanceProfileId",
        "createDate": "CreateDate",
        "role": "Roles.0.RoleName",
    },
    defaults={"path": "/"},
    tagging=tags.iam("instance_profile", "InstanceProfileName"),
    listing=lambda api: [
        Found(one["InstanceProfileName"], one["Arn"], _profile_tags(api, one["InstanceProfileName"]))
        for one in whole(api, "list_instance_profiles", "InstanceProfiles")
    ],
)

RECORDS = (ROLE_POLICY, ROLE_POLICY_ATTACHMENT, POLICY, INSTANCE_PROFILE)
