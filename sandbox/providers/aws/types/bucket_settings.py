"""Settings of a bucket: versioning, encryption, access, policy, lifecycle, ownership. What it reports:
`bucket_reports`.

Each is written whole by a PUT: creating one adopts what is there, an update writes it again, and the id is the
bucket's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Output, Record, Resource, Step, after
from sandbox.providers.aws.shapes import camel, pascal, text
from sandbox.providers.aws.types.s3 import GONE
from sandbox.providers.protocol import Props


def setting(  # noqa: PLR0913 - one argument for each way in which the settings differ
    noun: str,
    inputs: tuple[str, ...],
    write: Callable[[Api, Resource], Any],
    read: Callable[[Api, Resource], Any],
    clear: Callable[[Api, Resource], Any],
    outputs: dict[str, Output],
    *,
    required: tuple[str, ...] = (),
    gone: tuple[str, ...] = (),
    stored: tuple[str, ...] = (),
    computed: tuple[str, ...] = (),
    owner: bool = False,
) -> Record:
    owners = ("expectedBucketOwner",) if owner else ()
    return Record(
        type=f"aws:s3/b{noun[1:]}:{noun}",
        service="s3",
        create=lambda api, r: after(write(api, r), r["bucket"]),
        read=read,
        delete=clear,
        gone=(*GONE, *gone),
        required=("bucket", *required),
        force=("bucket", *owners),
        steps=(Step(inputs, write, at_create=False),),
        stored=stored,
        computed=computed,
        identity=lambda r: r["bucket"],
        parse_id=lambda name: {"bucket": name.split(",")[0]},
        outputs={"bucket": lambda _, r: r["bucket"], **outputs},
    )


VERSIONING = setting(
    "BucketVersioning",
    ("versioningConfiguration",),
    lambda api, r: api(
        "put_bucket_versioning",
        Bucket=r["bucket"],
        MFA=r["mfa"],
        VersioningConfiguration={
            "Status": "Suspended"
            if r["versioningConfiguration"]["status"] == "Disabled"
            else r["versioningConfiguration"]["status"],
            "MFADelete": r["versioningConfiguration"].get("mfaDelete"),
        },
    ),
    lambda api, r: api("get_bucket_versioning", Bucket=r["bucket"]),
    lambda api, r: api("put_bucket_versioning", Bucket=r["bucket"], VersioningConfiguration={"Status": "Suspended"}),
    {
        "versioningConfiguration": lambda live, _: {
            "status": live.get("Status") or "Disabled",
            **({"mfaDelete": live["MFADelete"]} if live.get("MFADelete") else {}),
        }
    },
    required=("versioningConfiguration",),
    stored=("mfa",),
    owner=True,
)

ENCRYPTION_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
BLOCKED = "blockedEncryptionTypes"


def _encryption_rule(rule: Props) -> dict[str, Any]:
    result = pascal({key: value for key, value in rule.items() if key != BLOCKED}, ENCRYPTION_NAMES)
    return result | ({"BlockedEncryptionTypes": {"EncryptionType": rule[BLOCKED]}} if rule.get(BLOCKED) else {})


def _encryption_rules(live: Any, r: Resource) -> list[Any]:
    wanted = r["rules"] or []
    rules = []
    for index, rule in enumerate(live["ServerSideEncryptionConfiguration"]["Rules"]):
        one = camel({key: value for key, value in rule.items() if key != "BlockedEncryptionTypes"}, ENCRYPTION_NAMES)
        blocked = rule.get("BlockedEncryptionTypes") or {}
        given = wanted[index].get(BLOCKED) if index < len(wanted) else None
        kinds = blocked.get("EncryptionType") or given
        rules.append(one | ({BLOCKED: kinds} if kinds else {}))
    return rules


ENCRYPTION = setting(
    "BucketServerSideEncryptionConfiguration",
    ("rules",),
    lambda api, r: api(
        "put_bucket_encryption",
        Bucket=r["bucket"],
        ServerSideEncryptionConfiguration={"Rules": [_encryption_rule(rule) for rule in r["rules"]]},
    ),
    lambda api, r: api("get_bucket_encryption", Bucket=r["bucket"]),
    lambda api, r: api("delete_bucket_encryption", Bucket=r["bucket"]),
    {"rules": _encryption_rules},
    required=("rules",),
    gone=("ServerSideEncryptionConfigurationNotFoundError",),
    owner=True,
)

BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _clear_block(api: Api, r: Resource) -> None:
    if not r["skipDestroy"]:
        api("delete_public_access_block", Bucket=r["bucket"])


PUBLIC_ACCESS_BLOCK = setting(
    "BucketPublicAccessBlock",
    BLOCKS,
    lambda api, r: api(
        "put_public_access_block",
        Bucket=r["bucket"],
        PublicAccessBlockConfiguration={name[0].upper() + name[1:]: bool(r[name]) for name in BLOCKS},
    ),
    lambda api, r: api("get_public_access_block", Bucket=r["bucket"]),
    _clear_block,
    {name: f"PublicAccessBlockConfiguration.{name[0].upper()}{name[1:]}" for name in BLOCKS},
    gone=("NoSuchPublicAccessBlockConfiguration",),
    stored=("skipDestroy",),
)

POLICY = setting(
    "BucketPolicy",
    ("policy",),
    lambda api, r: api("put_bucket_policy", Bucket=r["bucket"], Policy=text(r["policy"])),
    lambda api, r: api("get_bucket_policy", Bucket=r["bucket"]),
    lambda api, r: api("delete_bucket_policy", Bucket=r["bucket"]),
    {"policy": "Policy"},
    required=("policy",),
    gone=("NoSuchBucketPolicy",),
)

LIFECYCLE_NAMES = {"id": "ID"}


def _lifecycle_rule(rule: Props) -> dict[str, Any]:
    result = pascal({key: value for key, value in rule.items() if key != "filter"}, LIFECYCLE_NAMES)
    if not rule.get("prefix"):
        result.pop("Prefix", None)
        result["Filter"] = _filter(rule.get("filter") or {})
    return result


def _filter(given: Props) -> dict[str, Any]:
    if given.get("and"):
        both = given["and"]
        rest = pascal({key: value for key, value in both.items() if key != "tags"})
        return {"And": rest | {"Tags": tags.pairs(both.get("tags") or {}) or None}}
    return pascal(given) if given else {"Prefix": ""}


def _lifecycle_rules(live: Any, r: Resource) -> list[Any]:  # noqa: ARG001
    rules = []
    for rule in live.get("Rules") or []:
        one = camel(rule, LIFECYCLE_NAMES)
        both = (one.get("filter") or {}).get("and")
        if both and isinstance(both.get("tags"), list):
            both["tags"] = {tag["key"]: tag["value"] for tag in both["tags"]}
        rules.append(one)
    return rules


SIZE = "transitionDefaultMinimumObjectSize"
LIFECYCLE = setting(
    "BucketLifecycleConfiguration",
    ("rules", SIZE),
    lambda api, r: api(
        "put_bucket_lifecycle_configuration",
        Bucket=r["bucket"],
        LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in r["rules"] or []]},
        TransitionDefaultMinimumObjectSize=r[SIZE],
    ),
    lambda api, r: api("get_bucket_lifecycle_configuration", Bucket=r["bucket"]),
    lambda api, r: api("delete_bucket_lifecycle", Bucket=r["bucket"]),
    {"rules": _lifecycle_rules, SIZE: lambda live, r: live.get("TransitionDefaultMinimumObjectSize") or r[SIZE]},
    gone=("NoSuchLifecycleConfiguration",),
    stored=("timeouts",),
    computed=(SIZE,),
    owner=True,
)

OWNERSHIP = setting(
    "BucketOwnershipControls",
    ("rule",),
    lambda api, r: api(
        "put_bucket_ownership_controls",
        Bucket=r["bucket"],
        OwnershipControls={"Rules": [{"ObjectOwnership": r["rule"]["objectOwnership"]}]},
    ),
    lambda api, r: api("get_bucket_ownership_controls", Bucket=r["bucket"]),
    lambda api, r: api("delete_bucket_ownership_controls", Bucket=r["bucket"]),
    {"rule": lambda live, _: camel(live["OwnershipControls"]["Rules"][0])},
    required=("rule",),
    gone=("OwnershipControlsNotFoundError",),
)

RECORDS = (VERSIONING, ENCRYPTION, PUBLIC_ACCESS_BLOCK, POLICY, LIFECYCLE, OWNERSHIP)
