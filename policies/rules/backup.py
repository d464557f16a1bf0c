"""Backups: encrypted, and of everything that has a state."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from .model import Parameters, Resource, Stack, Violation, relation_rule, resource_rule
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
    selections = stack.of(SELECTION)
    if stack.referring(resource, "resources", SELECTION):
        return
    if not any(_by_pattern(selection, resource) or _by_tag(selection, resource) for selection in selections):
        yield Violation("no backup selection covers it.")


def _by_pattern(selection: Resource, resource: Resource) -> bool:
    wanted = PATTERNS[resource.type]
    names = [str(entry) for entry in selection.all("resources")]
    return any(entry == "*" or ("*" in entry and fnmatchcase(wanted, entry)) for entry in names)


def _by_tag(selection: Resource, resource: Resource) -> bool:
    for entry in selection.views("selectionTags"):
        key, wanted = entry.get("key"), entry.get("value")
        if (
            entry.get("type", "STRINGEQUALS") == "STRINGEQUALS"
            and key in resource.tags
            and resource.tags[key] == wanted
        ):
            return True
    return False


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
