"""FSx for Lustre file systems and their data repositories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Record, Resource, Step, at, first
from sandbox.providers.aws.shapes import camel, pascal, whole
from sandbox.providers.protocol import Props

GONE = ("FileSystemNotFound", "DataRepositoryAssociationNotFound")
PENDING = ("CREATING", "UPDATING", "DELETING", "PENDING")
FAILED = ("FAILED", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE")
NAMES = {"size": "SizeGiB"}
FIXED = (
    *("deploymentType", "efaEnabled", "driveCacheType", "copyTagsToBackups", "importPath", "exportPath"),
    "importedFileChunkSize",
)
CHANGEABLE = (
    *("perUnitStorageThroughput", "dataCompressionType", "autoImportPolicy", "automaticBackupRetentionDays"),
    *("dailyAutomaticBackupStartTime", "weeklyMaintenanceStartTime", "logConfiguration", "metadataConfiguration"),
    *("rootSquashConfiguration", "throughputCapacity", "dataReadCacheConfiguration"),
)
TAGGING = tags.by_arn(
    at_create="Tags", argument="ResourceARN", as_map=False, values="Tags", keys="TagKeys", in_live="Tags"
)


def _lustre(r: Resource, names: Iterable[str]) -> dict[str, Any] | None:
    return pascal({name: r[name] for name in names if r[name] is not None}, NAMES) or None


def _create(api: Api, r: Resource) -> str:
    subnet = r["subnetIds"]
    made = api(
        "create_file_system",
        FileSystemType="LUSTRE",
        FileSystemTypeVersion=r["fileSystemTypeVersion"],
        StorageCapacity=r["storageCapacity"],
        StorageType=r["storageType"],
        SubnetIds=subnet if isinstance(subnet, list) else [subnet],
        SecurityGroupIds=r["securityGroupIds"],
        KmsKeyId=r["kmsKeyId"],
        LustreConfiguration=_lustre(r, (*FIXED, *CHANGEABLE)),
        **r.tags_argument,
    )
    return made["FileSystem"]["FileSystemId"]


def _update(api: Api, r: Resource) -> None:
    """Only what changed: the API refuses to set some values again."""
    changed = [name for name in CHANGEABLE if r[name] is not None and r.old.get(name) != r[name]]
    grown = r["storageCapacity"] if r.old.get("storageCapacity") != r["storageCapacity"] else None
    if changed or grown:
        api(
            "update_file_system",
            FileSystemId=r.id,
            StorageCapacity=grown,
            LustreConfiguration=_lustre(r, changed),
        )


def _replaced(old: Props, new: Props) -> Iterable[str]:
    # A Lustre file system grows but does not shrink.
    before, after = old.get("storageCapacity"), new.get("storageCapacity")
    shrinks = isinstance(before, int | float) and isinstance(after, int | float) and after < before
    return ["storageCapacity"] if shrinks else []


def _read(api: Api, r: Resource) -> Any:
    found = api("describe_file_systems", FileSystemIds=[r.id])["FileSystems"]
    return first(one for one in found if one["FileSystemId"] == r.id)


def _setting(name: str) -> Any:
    theirs = name[0].upper() + name[1:]

    def output(live: Any, r: Resource) -> Any:
        value = camel(at(live, f"LustreConfiguration.{theirs}"), NAMES)
        return {**r[name], **value} if isinstance(value, dict) and isinstance(r[name], dict) else value

    return output


def _subnet(live: Any, r: Resource) -> Any:
    subnets = live.get("SubnetIds") or []
    return subnets if isinstance(r["subnetIds"], list) else first(subnets)


def _groups(live: Any, r: Resource) -> Any:
    return live.get("SecurityGroupIds") or r["securityGroupIds"]  # DescribeFileSystems does not report them


LUSTRE_FILE_SYSTEM = Record(
    type="aws:fsx/lustreFileSystem:LustreFileSystem",
    service="fsx",
    create=_create,
    read=_read,
    delete=lambda api, r: api(
        "delete_file_system",
        FileSystemId=r.id,
        LustreConfiguration={
            "SkipFinalBackup": r["skipFinalBackup"] if r["skipFinalBackup"] is not None else True,
            "FinalBackupTags": tags.pairs(r["finalBackupTags"]) if r["finalBackupTags"] else None,
        },
    ),
    gone=GONE,
    required=("subnetIds",),
    force=("subnetIds", "securityGroupIds", "storageType", "kmsKeyId", "fileSystemTypeVersion", *FIXED),
    replaces=_replaced,
    steps=(Step(("storageCapacity", *CHANGEABLE), _update, at_create=False),),
    stored=("skipFinalBackup", "finalBackupTags"),
    computed=(
        "automaticBackupRetentionDays",
        "dailyAutomaticBackupStartTime",
        "fileSystemTypeVersion",
        "kmsKeyId",
        "logConfiguration",
        "metadataConfiguration.iops",
        "perUnitStorageThroughput",
        "weeklyMaintenanceStartTime",
    ),
    outputs={
        "arn": "ResourceARN",
        "dnsName": "DNSName",
        "mountName": "LustreConfiguration.MountName",
        "networkInterfaceIds": "NetworkInterfaceIds",
        "ownerId": "OwnerId",
        "vpcId": "VpcId",
        "subnetIds": _subnet,
        "securityGroupIds": _groups,
        "storageCapacity": "StorageCapacity",
        "storageType": "StorageType",
        "kmsKeyId": "KmsKeyId",
        "fileSystemTypeVersion": "FileSystemTypeVersion",
        **{name: _setting(name) for name in (*FIXED, *CHANGEABLE)},
    },
    defaults={"storageType": "SSD", "deploymentType": "SCRATCH_1", "automaticBackupRetentionDays": 0}
    | {"copyTagsToBackups": False, "efaEnabled": False, "dataCompressionType": "NONE"},
    status=lambda live: live.get("Lifecycle"),
    pending=PENDING,
    failed=FAILED,
    tagging=TAGGING,
    listing=lambda api: [
        Found(one["FileSystemId"], one["ResourceARN"], tags.from_pairs(one.get("Tags")))
        for one in whole(api, "describe_file_systems", "FileSystems")
    ],
)


def _read_association(api: Api, r: Resource) -> Any:
    return first(api("describe_data_repository_associations", AssociationIds=[r.id])["Associations"])


DATA_REPOSITORY_ASSOCIATION = Record(
    type="aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation",
    service="fsx",
    create=lambda api, r: api(
        "create_data_repository_association",
        FileSystemId=r["fileSystemId"],
        FileSystemPath=r["fileSystemPath"],
        DataRepositoryPath=r["dataRepositoryPath"],
        BatchImportMetaDataOnCreate=r["batchImportMetaDataOnCreate"],
        ImportedFileChunkSize=r["importedFileChunkSize"],
        S3=pascal(r["s3"]),
        **r.tags_argument,
    )["Association"]["AssociationId"],
    read=_read_association,
    delete=lambda api, r: api(
        "delete_data_repository_association",
        AssociationId=r.id,
        DeleteDataInFileSystem=bool(r["deleteDataInFilesystem"]),
    ),
    gone=GONE,
    required=("fileSystemId", "fileSystemPath", "dataRepositoryPath"),
    force=("fileSystemId", "fileSystemPath", "dataRepositoryPath", "batchImportMetaDataOnCreate"),
    steps=(
        Step(
            ("s3", "importedFileChunkSize"),
            lambda api, r: api(
                "update_data_repository_association",
                AssociationId=r.id,
                ImportedFileChunkSize=r["importedFileChunkSize"],
                S3=pascal(r["s3"]),
            ),
            at_create=False,
        ),
    ),
    stored=("deleteDataInFilesystem",),
    computed=(
        "importedFileChunkSize",
        "s3",
        "s3.autoImportPolicy",
        "s3.autoExportPolicy",
    ),
    outputs={
        "arn": "ResourceARN",
        "associationId": "AssociationId",
        "fileSystemId": "FileSystemId",
        "fileSystemPath": "FileSystemPath",
        "dataRepositoryPath": "DataRepositoryPath",
        "batchImportMetaDataOnCreate": "BatchImportMetaDataOnCreate",
        "importedFileChunkSize": "ImportedFileChunkSize",
        "s3": lambda live, _: camel(live.get("S3")),
    },
    defaults={"batchImportMetaDataOnCreate": False},
    status=lambda live: live.get("Lifecycle"),
    pending=PENDING,
    failed=FAILED,
    tagging=TAGGING,
    listing=lambda api: [
        Found(one["AssociationId"], one.get("ResourceARN", ""), tags.from_pairs(one.get("Tags")))
        for one in whole(api, "describe_data_repository_associations", "Associations")
    ],
)

RECORDS = (LUSTRE_FILE_SYSTEM, DATA_REPOSITORY_ASSOCIATION)
