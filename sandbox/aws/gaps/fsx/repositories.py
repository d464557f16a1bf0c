"""FSx data repository associations between a Lustre file system and an S3 bucket.

Nothing is imported or exported. Rules: API reference of CreateDataRepositoryAssociation.
"""

from __future__ import annotations

import time
from pathlib import PurePosixPath

from sandbox.aws.call import Call, new_id
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.fsx import Fsx, Record, bad_request, file_system, tags_of
from sandbox.aws.wire import ApiError

LIMIT = 8
"""Associations a file system can have."""
FILTERS = {"file-system-id": "FileSystemId"}


def _one(call: Call) -> Record:
    identity = call.params["AssociationId"]
    record = call.store(Fsx).associations.get(identity)
    if record is None:
        raise ApiError("DataRepositoryAssociationNotFound", f"Data repository association '{identity}' does not exist.")
    return record


def _shown(call: Call, record: Record) -> Record:
    return {**record, "Tags": tags_of(call, record["ResourceARN"])}


def _nested(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a.is_relative_to(b) or b.is_relative_to(a)


@serves("fsx", "CreateDataRepositoryAssociation")
def create(call: Call) -> Record:
    given, store = call.params, call.store(Fsx)
    owner = file_system(call, given["FileSystemId"])
    kind = (owner.lustre_configuration or {}).get("DeploymentType")
    if owner.file_system_type != "LUSTRE" or kind == "SCRATCH_1":
        raise bad_request("Data repository associations need a Lustre file system other than SCRATCH_1")
    path, source = given.get("FileSystemPath") or "/", given["DataRepositoryPath"].rstrip("/")
    siblings = [record for record in store.associations.values() if record["FileSystemId"] == owner.file_system_id]
    if len(siblings) >= LIMIT:
        raise ApiError("ServiceLimitExceeded", f"A file system has at most {LIMIT} data repository associations")
    for sibling in siblings:
        if _nested(path, sibling["FileSystemPath"]):
            raise bad_request(
                f"FileSystemPath {path} overlaps with {sibling['FileSystemPath']} of {sibling['AssociationId']}"
            )
    bucket = source.removeprefix("s3://").split("/", 1)[0]
    if not source.startswith("s3://") or bucket not in call.backend("s3").buckets:
        raise bad_request(f"DataRepositoryPath {source}: no such bucket")
    identity = new_id("dra-")
    record: Record = {
        "AssociationId": identity,
        "ResourceARN": call.arn(f"association/{owner.file_system_id}/{identity}"),
        "FileSystemId": owner.file_system_id,
        "Lifecycle": "AVAILABLE",
        "FileSystemPath": path,
        "DataRepositoryPath": given["DataRepositoryPath"],
        "BatchImportMetaDataOnCreate": bool(given.get("BatchImportMetaDataOnCreate")),
        "ImportedFileChunkSize": given.get("ImportedFileChunkSize") or 1024,
        "S3": given.get("S3") or {},
        "CreationTime": time.time(),
    }
    if given.get("Tags"):
        call.backend("fsx").tagger.tag_resource(record["ResourceARN"], given["Tags"])
    store.associations[identity] = record
    return {"Association": {**_shown(call, record), "Lifecycle": "CREATING"}}


@serves("fsx", "DescribeDataRepositoryAssociations")
def describe(call: Call) -> Record:
    store, wanted = call.store(Fsx).associations, call.params.get("AssociationIds")
    for identity in wanted or []:
        if identity not in store:
            text = f"Data repository association '{identity}' does not exist."
            raise ApiError("DataRepositoryAssociationNotFound", text)
    found = [record for identity, record in store.items() if not wanted or identity in wanted]
    for condition in call.params.get("Filters") or []:
        member = FILTERS.get(condition["Name"])
        if member is None:
            raise call.not_available(f"filter {condition['Name']}")
        found = [record for record in found if record[member] in condition["Values"]]
    return {"Associations": [_shown(call, record) for record in found]}


@serves("fsx", "UpdateDataRepositoryAssociation")
def update(call: Call) -> Record:
    record, given = _one(call), call.params
    if given.get("S3"):
        record["S3"] = {**record["S3"], **given["S3"]}
    if given.get("ImportedFileChunkSize"):
        record["ImportedFileChunkSize"] = given["ImportedFileChunkSize"]
    return {"Association": {**_shown(call, record), "Lifecycle": "UPDATING"}}


@serves("fsx", "DeleteDataRepositoryAssociation")
def delete(call: Call) -> Record:
    record = _one(call)
    del call.store(Fsx).associations[record["AssociationId"]]
    call.backend("fsx").tagger.delete_all_tags_for_resource(record["ResourceARN"])
    return {
        "AssociationId": record["AssociationId"],
        "Lifecycle": "DELETING",
        "DeleteDataInFileSystem": bool(call.params.get("DeleteDataInFileSystem")),
    }
