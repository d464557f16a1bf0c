"""FSx file systems: what moto lacks (life cycle, network, mount name, version, updates, errors).

Checks of Lustre values follow the API reference of CreateFileSystem and UpdateFileSystem.
"""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import amends, serves
from sandbox.aws.gaps.fsx import Fsx, Record, bad_request, file_system
from sandbox.aws.wire import ApiError

UNIT_THROUGHPUT = {
    ("PERSISTENT_1", "SSD"): (50, 100, 200),
    ("PERSISTENT_1", "HDD"): (12, 40),
    ("PERSISTENT_2", "SSD"): (125, 250, 500, 1000),
}
"""PerUnitStorageThroughput in MB/s/TiB."""
LUSTRE_DEFAULTS = {
    "WeeklyMaintenanceStartTime": "7:03:00",
    "DataCompressionType": "NONE",
    "CopyTagsToBackups": False,
    "AutomaticBackupRetentionDays": 0,
}


@amends("fsx", "CreateFileSystem")
def create(call: Call) -> Record:
    given = call.params
    vpc = _network(call, given)
    lustre = given.get("LustreConfiguration") or {}
    if given["FileSystemType"] == "LUSTRE":
        _check(given.get("StorageCapacity"), given.get("StorageType") or "SSD", lustre)
    answer = call.native()["FileSystem"]
    found = file_system(call, answer["FileSystemId"])
    call.store(Fsx).extra[found.file_system_id] = {
        "OwnerId": call.account,
        "CreationTime": time.time(),
        "Lifecycle": "AVAILABLE",
        "VpcId": vpc,
        "NetworkInterfaceIds": [new_id("eni-")],
        "NetworkType": given.get("NetworkType") or "IPV4",
    }
    if found.kms_key_id is None:
        found.kms_key_id = _default_key(call)
    if given["FileSystemType"] == "LUSTRE":
        found.storage_type = given.get("StorageType") or "SSD"
        _complete(call, found, lustre, given.get("FileSystemTypeVersion"))
    return {"FileSystem": {**shown(call, found), "Lifecycle": "CREATING"}}


@serves("fsx", "DescribeFileSystems")
def describe(call: Call) -> Record:
    wanted = call.params.get("FileSystemIds")
    fsx = call.backend("fsx")
    found = [file_system(call, identity) for identity in wanted] if wanted else list(fsx.file_systems.values())
    start, size = int(call.params.get("NextToken") or 0), call.params.get("MaxResults") or 100
    more = start + size < len(found)
    shown_ = [shown(call, entry) for entry in found[start : start + size]]
    return {"FileSystems": shown_, "NextToken": str(start + size) if more else None}


@serves("fsx", "UpdateFileSystem")
def update(call: Call) -> Record:
    given = call.params
    found = file_system(call, given["FileSystemId"])
    extra = call.store(Fsx).extra[found.file_system_id]
    if found.file_system_type != "LUSTRE":
        raise call.not_available(found.file_system_type)
    change = given.get("LustreConfiguration") or {}
    lustre = {**found.lustre_configuration, **{k: v for k, v in change.items() if v is not None}}
    capacity = given.get("StorageCapacity") or found.storage_capacity
    if capacity < (found.storage_capacity or 0):
        raise bad_request(f"StorageCapacity {capacity} is below the current {found.storage_capacity}: it can only grow")
    _check(capacity, found.storage_type, lustre)
    found.storage_capacity, found.lustre_configuration = capacity, lustre
    if given.get("FileSystemTypeVersion"):
        extra["FileSystemTypeVersion"] = given["FileSystemTypeVersion"]
    if given.get("NetworkType"):
        extra["NetworkType"] = given["NetworkType"]
    action = {
        "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
        "RequestTime": time.time(),
        "Status": "COMPLETED",
        "TargetFileSystemValues": {"StorageCapacity": capacity},
    }
    extra["AdministrativeActions"] = [action]
    return {"FileSystem": shown(call, found)}


@amends("fsx", "DeleteFileSystem")
def delete(call: Call) -> Record:
    found, store = file_system(call, call.params["FileSystemId"]), call.store(Fsx)
    call.backend("fsx").delete_file_system(found.file_system_id, "", None, None, None)
    call.backend("fsx").tagger.delete_all_tags_for_resource(found.resource_arn)
    store.extra.pop(found.file_system_id, None)
    for identity, record in list(store.associations.items()):
        if record["FileSystemId"] == found.file_system_id:
            del store.associations[identity]
    return {"FileSystemId": found.file_system_id, "Lifecycle": "DELETING"}


@amends("fsx", "TagResource", "UntagResource", "ListTagsForResource")
def tag(call: Call) -> Record:
    """moto tags any ARN."""
    fsx, store = call.backend("fsx"), call.store(Fsx)
    known = {entry.resource_arn for entry in [*fsx.file_systems.values(), *fsx.backups.values()]}
    known |= {record["ResourceARN"] for record in store.associations.values()}
    if call.params["ResourceARN"] not in known:
        raise ApiError("ResourceNotFound", f"{call.params['ResourceARN']} does not exist")
    return call.native()


def shown(call: Call, found: Any) -> Record:
    return {**found.to_dict(), **call.store(Fsx).extra.get(found.file_system_id, {})}


def _complete(call: Call, found: Any, given: Record, version: str | None) -> None:
    """Defaults that the API reference documents."""
    lustre = {**LUSTRE_DEFAULTS, **{k: v for k, v in given.items() if v is not None}}
    lustre.setdefault("DeploymentType", "SCRATCH_1")
    kind = lustre["DeploymentType"]
    letters = string.ascii_lowercase + string.digits
    lustre["MountName"] = "fsx" if kind == "SCRATCH_1" else "".join(secrets.choice(letters) for _ in range(8))
    lustre.setdefault("LogConfiguration", {"Level": "DISABLED"})
    if kind == "PERSISTENT_2":
        lustre.setdefault("EfaEnabled", False)
        lustre.setdefault("MetadataConfiguration", {"Mode": "AUTOMATIC"})
    repository = {k: lustre.pop(k) for k in ("ImportPath", "ExportPath", "ImportedFileChunkSize") if k in lustre}
    if repository:
        repository["AutoImportPolicy"] = lustre.pop("AutoImportPolicy", "NONE")
        lustre["DataRepositoryConfiguration"] = {"Lifecycle": "AVAILABLE", **repository}
    found.lustre_configuration = lustre
    default = "2.15" if lustre.get("EfaEnabled") else "2.12" if kind == "PERSISTENT_2" else "2.10"
    call.store(Fsx).extra[found.file_system_id]["FileSystemTypeVersion"] = version or default


def _check(capacity: int | None, storage: str, lustre: Record) -> None:
    kind = lustre.get("DeploymentType") or "SCRATCH_1"
    if storage == "INTELLIGENT_TIERING":
        if capacity or not lustre.get("ThroughputCapacity"):
            raise bad_request("INTELLIGENT_TIERING takes ThroughputCapacity and no StorageCapacity")
        return
    if not capacity:
        raise bad_request("StorageCapacity is missing")
    step = 3600 if kind == "SCRATCH_1" else 2400
    if storage == "HDD":
        step = {12: 6000, 40: 1800}.get(lustre.get("PerUnitStorageThroughput") or 0, 6000)
    if capacity % step and not (storage == "SSD" and capacity in (1200, 2400)):
        raise bad_request(
            f"StorageCapacity {capacity} GiB is not valid: multiples of {step} GiB, or 1200 or 2400 on SSD"
        )
    throughput, allowed = lustre.get("PerUnitStorageThroughput"), UNIT_THROUGHPUT.get((kind, storage))
    if allowed and throughput not in allowed:
        choice = ", ".join(map(str, allowed))
        text = f"PerUnitStorageThroughput {throughput} is not one of {choice} for {kind} on {storage}"
        raise ApiError("InvalidPerUnitStorageThroughput", text)
    if throughput and not allowed:
        raise bad_request(f"PerUnitStorageThroughput does not go with {kind} on {storage}")


def _network(call: Call, given: Record) -> str:
    """The VPC of the subnets. Raises InvalidNetworkSettings for unknown subnets or groups."""
    ec2 = call.backend("ec2")
    known = {subnet.id: subnet.vpc_id for zone in ec2.subnets.values() for subnet in zone.values()}
    for subnet in given["SubnetIds"]:
        if subnet not in known:
            raise ApiError("InvalidNetworkSettings", f"The subnet ID '{subnet}' does not exist", InvalidSubnetId=subnet)
    for group in given.get("SecurityGroupIds") or []:
        if ec2.get_security_group_from_id(group) is None:
            text = f"The security group ID '{group}' does not exist"
            raise ApiError("InvalidNetworkSettings", text, InvalidSecurityGroupId=group)
    return known[given["SubnetIds"][0]]


def _default_key(call: Call) -> str:
    """The key alias/aws/fsx, which AWS makes at first use."""
    kms = call.backend("kms")
    alias = "alias/aws/fsx"
    if not kms.alias_exists(alias):
        key = kms.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "Default key for FSx", [], False, "AWS_KMS")
        key.key_manager = "AWS"
        kms.create_alias(key.id, alias)
    return kms.describe_key(alias).arn
