"""KMS keys and aliases."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError
from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step, after
from sandbox.providers.aws.shapes import text, whole

GONE = ("NotFoundException", "KMSInvalidStateException")
DELETING = ("PendingDeletion", "PendingReplicaDeletion")
WINDOW_DAYS = 30
"""AWS's default waiting time before a key is deleted."""


def _read_key(api: Api, r: Resource) -> Any:
    key = api("describe_key", KeyId=r.id)["KeyMetadata"]
    if key["KeyState"] in DELETING:
        return None
    if key.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT":
        rotation = api("get_key_rotation_status", KeyId=r.id)
        key["rotation"], key["period"] = rotation["KeyRotationEnabled"], rotation.get("RotationPeriodInDays")
    key["policy"] = api("get_key_policy", KeyId=r.id, PolicyName="default")["Policy"]
    return key


def _rotate(api: Api, r: Resource) -> None:
    if r["enableKeyRotation"]:
        api("enable_key_rotation", KeyId=r.id, RotationPeriodInDays=r["rotationPeriodInDays"])
    elif r.old or r["rotationPeriodInDays"] is None:
        api("disable_key_rotation", KeyId=r.id)


def _enable(api: Api, r: Resource) -> None:
    api("enable_key" if r["isEnabled"] is not False else "disable_key", KeyId=r.id)


def _put_policy(api: Api, r: Resource) -> None:
    if r["policy"]:
        bypass = r["bypassPolicyLockoutSafetyCheck"]
        api(
            "put_key_policy",
            KeyId=r.id,
            PolicyName="default",
            Policy=text(r["policy"]),
            BypassPolicyLockoutSafetyCheck=bypass,
        )


def _key_tags(api: Api, key_id: str) -> tags.Tags:
    listed = whole(api, "list_resource_tags", "Tags", KeyId=key_id)
    return tags.from_pairs(listed, "TagKey", "TagValue")


def _kms_pairs(given: tags.Tags) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(given.items())]


def _write_tags(api: Api, r: Resource, all_: tags.Tags, changed: tags.Tags, removed: list[str]) -> None:  # noqa: ARG001
    if removed:
        api("untag_resource", KeyId=r.id, TagKeys=removed)
    if changed:
        api("tag_resource", KeyId=r.id, Tags=_kms_pairs(changed))


def _own_keys(api: Api) -> list[Found]:
    found = []
    for one in whole(api, "list_keys", "Keys"):
        key = api("describe_key", KeyId=one["KeyId"])["KeyMetadata"]
        if key.get("KeyManager") != "AWS" and key["KeyState"] not in DELETING:
            found.append(Found(key["KeyId"], key["Arn"], _key_tags(api, key["KeyId"])))
    return found


KEY = Record(
    type="aws:kms/key:Key",
    service="kms",
    create=lambda api, r: api(
        "create_key",
        Description=r["description"],
        KeyUsage=r["keyUsage"],
        KeySpec=r["customerMasterKeySpec"],
        Policy=text(r["policy"]),
        MultiRegion=r["multiRegion"],
        BypassPolicyLockoutSafetyCheck=r["bypassPolicyLockoutSafetyCheck"],
        **r.tags_argument,
    )["KeyMetadata"]["KeyId"],
    read=_read_key,
    delete=lambda api, r: api(
        "schedule_key_deletion", KeyId=r.id, PendingWindowInDays=r["deletionWindowInDays"] or WINDOW_DAYS
    ),
    gone=GONE,
    force=("keyUsage", "customerMasterKeySpec", "multiRegion"),
    steps=(
        Step(("enableKeyRotation", "rotationPeriodInDays"), _rotate),
        Step(("isEnabled",), _enable),
        Step(
            ("description",),
            lambda api, r: api("update_key_description", KeyId=r.id, Description=r["description"] or ""),
            at_create=False,
        ),
        Step(("policy",), _put_policy, at_create=False),
    ),
    stored=("deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"),
    computed=(
        "policy",
        "description",
        "rotationPeriodInDays",
    ),
    outputs={
        "arn": "Arn",
        "keyId": "KeyId",
        "description": "Description",
        "keyUsage": "KeyUsage",
        "customerMasterKeySpec": lambda live, r: live.get("KeySpec") or r["customerMasterKeySpec"],
        "isEnabled": "Enabled",
        "multiRegion": "MultiRegion",
        "enableKeyRotation": "rotation",
        "rotationPeriodInDays": lambda live, r: live.get("period") or r["rotationPeriodInDays"],
        "policy": "policy",
    },
    defaults={"keyUsage": "ENCRYPT_DECRYPT", "customerMasterKeySpec": "SYMMETRIC_DEFAULT", "isEnabled": True}
    | {"multiRegion": False, "enableKeyRotation": False},
    tagging=tags.Tagging(
        lambda given: {"Tags": _kms_pairs(given)}, lambda api, r, _: _key_tags(api, r.id), _write_tags
    ),
    listing=_own_keys,
)


def _read_alias(api: Api, r: Resource) -> Any:
    return next((one for one in whole(api, "list_aliases", "Aliases") if one["AliasName"] == r.id), None)


def _same_key(key: str | None, other: str | None) -> bool:
    """Whether two spellings (id, ARN) mean one key."""
    return bool(key) and bool(other) and str(key).rpartition("/")[2] == str(other).rpartition("/")[2]


def _adopt_alias(api: Api, r: Resource) -> str | None:
    r.id = r["name"]
    found = _read_alias(api, r)
    return r.id if found and _same_key(found.get("TargetKeyId"), r["targetKeyId"]) else None


def _target(live: Any, r: Resource) -> str | None:
    return r["targetKeyId"] if _same_key(live.get("TargetKeyId"), r["targetKeyId"]) else live.get("TargetKeyId")


ALIAS = Record(
    type="aws:kms/alias:Alias",
    service="kms",
    create=lambda api, r: after(api("create_alias", AliasName=r["name"], TargetKeyId=r["targetKeyId"]), r["name"]),
    read=_read_alias,
    delete=lambda api, r: api("delete_alias", AliasName=r.id),
    gone=GONE,
    required=("targetKeyId",),
    force=("name", "namePrefix"),
    steps=(
        Step(
            ("targetKeyId",),
            lambda api, r: api("update_alias", AliasName=r.id, TargetKeyId=r["targetKeyId"]),
            at_create=False,
        ),
    ),
    naming=Naming(longest=256, start="alias/"),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("kms", r["name"])},
    parse_id=lambda name: {"name": name},
    exists=("AlreadyExistsException",),
    adopt=_adopt_alias,
    outputs={
        "arn": "AliasArn",
        "name": "AliasName",
        "targetKeyId": _target,
        "targetKeyArn": lambda live, r: r.arn("kms", f"key/{live['TargetKeyId']}"),
    },
    listing=lambda api: [
        Found(one["AliasName"], one["AliasArn"])
        for one in whole(api, "list_aliases", "Aliases")
        if not one["AliasName"].startswith("alias/aws/") and _alive(api, one.get("TargetKeyId"))
    ],
)


def _alive(api: Api, key: str | None) -> bool:
    """Whether an alias points to a key that lives: the others go with their key."""
    if not key:
        return False
    try:
        return api("describe_key", KeyId=key)["KeyMetadata"]["KeyState"] not in DELETING
    except AwsError:
        return False


RECORDS = (KEY, ALIAS)
