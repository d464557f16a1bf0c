"""IAM roles. Global: no region input. Policies and instance profiles: `iam_policies`."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step
from sandbox.providers.aws.shapes import text, whole

GONE = ("NoSuchEntity", "NoSuchEntityException")

# Role


def _read_role(api: Api, r: Resource) -> Any:
    role = api("get_role", RoleName=r.id)["Role"]
    if r["managedPolicyArns"] is not None or r.importing:
        role["managed"] = [one["PolicyArn"] for one in _attached(api, r)]
    if r["inlinePolicies"] is not None or r.importing:
        role["inline"] = [
            {"name": name, "policy": text(api("get_role_policy", RoleName=r.id, PolicyName=name)["PolicyDocument"])}
            for name in whole(api, "list_role_policies", "PolicyNames", RoleName=r.id)
        ]
    return role


def _attached(api: Api, r: Resource) -> list[Any]:
    return whole(api, "list_attached_role_policies", "AttachedPolicies", RoleName=r.id)


def _sync_attached(api: Api, r: Resource) -> None:
    now, wanted = {one["PolicyArn"] for one in _attached(api, r)}, set(r["managedPolicyArns"] or [])
    for arn in sorted(now - wanted):
        api("detach_role_policy", RoleName=r.id, PolicyArn=arn)
    for arn in sorted(wanted - now):
        api("attach_role_policy", RoleName=r.id, PolicyArn=arn)


def _sync_inline(api: Api, r: Resource) -> None:
    wanted = {one["name"]: one["policy"] for one in r["inlinePolicies"] or [] if one.get("name")}
    for name in whole(api, "list_role_policies", "PolicyNames", RoleName=r.id):
        if name not in wanted:
            api("delete_role_policy", RoleName=r.id, PolicyName=name)
    for name, policy in wanted.items():
        api("put_role_policy", RoleName=r.id, PolicyName=name, PolicyDocument=text(policy))


def _boundary(api: Api, r: Resource) -> None:
    if r["permissionsBoundary"]:
        api("put_role_permissions_boundary", RoleName=r.id, PermissionsBoundary=r["permissionsBoundary"])
    else:
        api("delete_role_permissions_boundary", RoleName=r.id)


def _clear_role(api: Api, r: Resource) -> None:
    """Take everything off a role that would keep it from being deleted."""
    for policy in _attached(api, r):
        api("detach_role_policy", RoleName=r.id, PolicyArn=policy["PolicyArn"])
    for name in whole(api, "list_role_policies", "PolicyNames", RoleName=r.id):
        api("delete_role_policy", RoleName=r.id, PolicyName=name)
    for profile in whole(api, "list_instance_profiles_for_role", "InstanceProfiles", RoleName=r.id):
        name = profile["InstanceProfileName"]
        api("remove_role_from_instance_profile", InstanceProfileName=name, RoleName=r.id)


def _delete_role(api: Api, r: Resource) -> None:
    if r["forceDetachPolicies"]:
        _clear_role(api, r)
    for name in ("managedPolicyArns", "inlinePolicies"):
        if r[name]:
            r[name] = []
            (_sync_attached if name == "managedPolicyArns" else _sync_inline)(api, r)
    api("delete_role", RoleName=r.id)


def _own_role(role: Any) -> bool:
    return not role["Path"].startswith(("/aws-service-role/", "/aws-reserved/"))


ROLE = Record(
    type="aws:iam/role:Role",
    service="iam",
    regional=False,
    create=lambda api, r: api(
        "create_role",
        RoleName=r["name"],
        Path=r["path"],
        AssumeRolePolicyDocument=text(r["assumeRolePolicy"]),
        Description=r["description"],
        MaxSessionDuration=r["maxSessionDuration"],
        PermissionsBoundary=r["permissionsBoundary"],
        **r.tags_argument,
    )["Role"]["RoleName"],
    read=_read_role,
    delete=_delete_role,
    gone=GONE,
    required=("assumeRolePolicy",),
    force=("name", "namePrefix", "path"),
    steps=(
        Step(
            ("assumeRolePolicy",),
            lambda api, r: api("update_assume_role_policy", RoleName=r.id, PolicyDocument=text(r["assumeRolePolicy"])),
            at_create=False,
        ),
        Step(
            ("description", "maxSessionDuration"),
            lambda api, r: api(
                "update_role",
                RoleName=r.id,
                Description=r["description"] or "",
                MaxSessionDuration=r["maxSessionDuration"] or 3600,
            ),
            at_create=False,
        ),
        Step(("permissionsBoundary",), _boundary, at_create=False),
        Step(("managedPolicyArns",), _sync_attached),
        Step(("inlinePolicies",), _sync_inline),
    ),
    stored=("forceDetachPolicies",),
    naming=Naming(longest=64),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("iam", f"role{r['path'] or '/'}{r['name']}", region=False)},
    parse_id=lambda name: {"name": name},
    computed=(
        "inlinePolicies",
        "managedPolicyArns",
    ),
    outputs={
        "name": "RoleName",
        "arn": "Arn",
        "uniqueId": "RoleId",
        "path": "Path",
        "description": "Description",
        "maxSessionDuration": "MaxSessionDuration",
        "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn",
        "createDate": "CreateDate",
        "assumeRolePolicy": lambda live, _: text(live.get("AssumeRolePolicyDocument")),
        "managedPolicyArns": "managed",
        "inlinePolicies": "inline",
    },
    defaults={"path": "/", "maxSessionDuration": 3600},
    tagging=tags.iam("role", "RoleName"),
    listing=lambda api: [
        Found(role["RoleName"], role["Arn"], role_tags(api, role["RoleName"]))
        for role in whole(api, "list_roles", "Roles")
        if _own_role(role)
    ],
    clear=_clear_role,
)


def role_tags(api: Api, name: str) -> tags.Tags:
    """Tags of a role; the listing of roles does not show them."""
    return tags.from_pairs(api("list_role_tags", RoleName=name).get("Tags"))


RECORDS = (ROLE,)
