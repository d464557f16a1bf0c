"""CloudWatch Logs: class, key and deletion protection of log groups, which moto loses or lacks."""

from __future__ import annotations

from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends, serves
from sandbox.aws.wire import ApiError


def _group(call: Call, member: str = "logGroupName") -> Any:
    """The log group that a call names, by name or ARN."""
    wanted = call.params.get(member) or call.params.get("resourceIdentifier") or ""
    name = wanted.split(":log-group:", 1)[-1].removesuffix(":*")
    found = call.backend("logs").groups.get(name)
    if found is None:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return found


@amends("logs", "CreateLogGroup")
def create(call: Call) -> dict[str, Any]:
    call.native()
    group = _group(call)
    group.log_group_class = call.params.get("logGroupClass") or "STANDARD"
    group.deletion_protection = bool(call.params.get("deletionProtectionEnabled"))
    return {}


@amends("logs", "DescribeLogGroups")
def describe(call: Call) -> dict[str, Any]:
    answer, given = call.native(), call.params
    kept = call.backend("logs").groups
    found = answer.get("logGroups") or []
    wanted = {entry.split(":log-group:", 1)[-1] for entry in given.get("logGroupIdentifiers") or []}
    pattern, kind = given.get("logGroupNamePattern") or "", given.get("logGroupClass")
    shown = []
    for entry in found:
        group = kept[entry["logGroupName"]]
        entry["logGroupClass"] = getattr(group, "log_group_class", "STANDARD")
        entry["deletionProtectionEnabled"] = getattr(group, "deletion_protection", False)
        if (not wanted or group.name in wanted) and pattern in group.name and kind in (None, entry["logGroupClass"]):
            shown.append(entry)
    return {**answer, "logGroups": shown}


@amends("logs", "DeleteLogGroup")
def delete(call: Call) -> dict[str, Any]:
    if getattr(_group(call), "deletion_protection", False):
        raise ApiError("OperationAbortedException", "The log group has deletion protection enabled")
    return call.native()


@serves("logs", "AssociateKmsKey")
def associate_key(call: Call) -> dict[str, Any]:
    _group(call).kms_key_id = call.params["kmsKeyId"]
    return {}


@serves("logs", "DisassociateKmsKey")
def disassociate_key(call: Call) -> dict[str, Any]:
    _group(call).kms_key_id = None
    return {}


@serves("logs", "PutLogGroupDeletionProtection")
def protect(call: Call) -> dict[str, Any]:
    _group(call, "logGroupIdentifier").deletion_protection = call.params["deletionProtectionEnabled"]
    return {}
