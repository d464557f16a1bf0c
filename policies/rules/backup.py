"""Backups: encrypted, and of everything that has a state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .model import (
    UNKNOWN,
    CannotTell,
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    all_of,
    any_of,
    relation_rule,
    resource_rule,
)
from .services import missing

VAULT = "aws:backup/vault:Vault"
SELECTION = "aws:backup/selection:Selection"
PATTERNS = {
    "aws:ebs/volume:Volume": "arn:aws:ec2:*:*:volume/any",
    "aws:efs/fileSystem:FileSystem": "arn:aws:elasticfilesystem:*:*:file-system/any",
    "aws:rds/cluster:Cluster": "arn:aws:rds:*:*:cluster:any",
    "aws:rds/instance:Instance": "arn:aws:rds:*:*:db:any",
}
STATEFUL = tuple(PATTERNS)
PROTECTED = (
    "aws:s3/bucket:Bucket",
    "aws:fsx/lustreFileSystem:LustreFileSystem",
    "aws:efs/fileSystem:FileSystem",
    "aws:rds/instance:Instance",
    "aws:rds/cluster:Cluster",
    "aws:eks/cluster:Cluster",
)


@resource_rule(
    id="backup-vault-kms",
    title="Backups are encrypted with a customer key",
    severity="medium",
    level="advisory",
    types=[VAULT],
    fix="set kmsKeyArn to a key of your own.",
    references=["CKV_AWS_166", "FSBP Backup.1", "NIST 800-53 CP-9"],
)
def vault_kms(vault: Resource, _: Parameters) -> Iterator[Violation]:
    """A backup holds everything that the original holds."""
    yield from missing(vault, [("kmsKeyArn", "CKV_AWS_166", ...)])


@relation_rule(
    id="backup-covers-stateful",
    title="What has a state has a backup",
    severity="medium",
    level="advisory",
    types=[*STATEFUL],
    fix="select the resource by ARN or by tag in an aws.backup.Selection.",
    references=["CKV2_AWS_8", "CKV2_AWS_9", "CKV2_AWS_18", "FSBP EC2.28", "FSBP EFS.2", "NIST 800-53 CP-9"],
)
def covers_stateful(resource: Resource, stack: Stack, _: Parameters) -> Iterator[Violation]:
    """What was deleted by accident is gone."""
    if not any_of(stack.of(SELECTION), lambda selection: _selects(selection, resource)):
        yield Violation("no backup selection covers it.")


def _selects(selection: Resource, resource: Resource) -> bool:
    """Whether a selection holds a resource: named or tagged as it says, of no excluded name, under its conditions."""
    kind, mine = resource.type, resource.tags
    named = resource in selection.referred("resources", kind)
    if not named and not any_of((_by_name, _by_tag), lambda asked: asked(selection, kind, mine)):
        return False
    if resource in selection.referred("notResources", kind):
        return False
    return not any_of(selection.items("notResources"), lambda entry: _means(str(entry), kind)) and all_of(
        CONDITIONS, lambda operator: _holds(selection, operator, mine)
    )


def _by_name(selection: Resource, kind: str, _: Mapping[str, Any]) -> bool:
    if selection.refers.get("resources") and all(entry is UNKNOWN for entry in selection.all("resources")):
        return False  # made from other resources of the stack, and from nothing else
    return any_of(selection.items("resources"), lambda entry: _means(str(entry), kind))


def _means(name: str, kind: str) -> bool:
    """Whether a pattern of ARNs takes in every resource of a type; an ARN itself is that of another resource."""
    return name == "*" or ("*" in name and fnmatchcase(PATTERNS[kind], name))


def _by_tag(selection: Resource, _: str, mine: Mapping[str, Any]) -> bool:
    def met(entry: View) -> bool:
        if entry.get("type", "STRINGEQUALS") != "STRINGEQUALS" or entry.get("key") not in mine:
            return False
        return _known(mine, entry.get("key")) == entry.get("value")

    return any_of(selection.views("selectionTags"), met)


def _known(tags: Mapping[str, Any], key: str) -> Any:
    if tags.get(key) is UNKNOWN:
        raise CannotTell(f"tags.{key}")
    return tags.get(key)


CONDITIONS: dict[str, Callable[[Any, str], bool]] = {
    "stringEquals": lambda value, wanted: value == wanted,
    "stringNotEquals": lambda value, wanted: value != wanted,
    "stringLikes": lambda value, wanted: value is not None and fnmatchcase(str(value), wanted),
    "stringNotLikes": lambda value, wanted: value is None or not fnmatchcase(str(value), wanted),
}
"""Conditions of a selection over tags; all must hold (AWS Backup developer guide)."""


def _holds(selection: Resource, operator: str, mine: Mapping[str, Any]) -> bool:
    def met(entry: View) -> bool:
        key = str(entry.get("key", "")).removeprefix("aws:ResourceTag/")
        return CONDITIONS[operator](_known(mine, key), str(entry.get("value", "")))

    sets = selection.views("conditions")
    return all_of(sets, lambda found: all_of(found.views(operator), met))


@resource_rule(
    id="protect-stateful",
    title="What holds data is protected in the program",
    severity="medium",
    level="advisory",
    types=[*PROTECTED],
    fix="set the resource option protect to true.",
    references=["NIST 800-53 CP-10"],
    parameters={"protected": True},
)
def protect_stateful(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """A change of a name replaces the resource, and with it the data."""
    if given["protected"] and not resource.protect:
        yield Violation("the option protect is not set.")
