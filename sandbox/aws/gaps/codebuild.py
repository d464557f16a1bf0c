"""CodeBuild projects: kept as they were given. Builds are not available here, because nothing could be built."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.wire import ApiError

Record = dict[str, Any]
GIVEN = (
    "artifacts",
    "badgeEnabled",
    "buildBatchConfig",
    "cache",
    "concurrentBuildLimit",
    "description",
    "encryptionKey",
    "environment",
    "fileSystemLocations",
    "logsConfig",
    "queuedTimeoutInMinutes",
    "secondaryArtifacts",
    "secondarySources",
    "serviceRole",
    "source",
    "sourceVersion",
    "tags",
    "timeoutInMinutes",
    "vpcConfig",
)
"""Members of CreateProject and UpdateProject (CodeBuild API reference)."""
WITHOUT_LOCATION = ("NO_SOURCE", "CODEPIPELINE")


@dataclass
class Projects:
    by_name: dict[str, Record] = field(default_factory=dict)


def _check(given: Record) -> None:
    source, artifacts = given.get("source", {}), given.get("artifacts", {})
    if source.get("type", "NO_SOURCE") not in WITHOUT_LOCATION and not source.get("location"):
        raise ApiError("InvalidInputException", "Invalid project source: location must be provided")
    if source.get("type") == "NO_SOURCE" and not source.get("buildspec"):
        raise ApiError("InvalidInputException", "Invalid project source: a project without a source needs a buildspec")
    if artifacts.get("type") == "S3" and not artifacts.get("location"):
        raise ApiError("InvalidInputException", "Invalid artifacts: location must be provided")


def _set(call: Call, project: Record) -> Record:
    project.update({member: call.params[member] for member in GIVEN if call.params.get(member) is not None})
    project["lastModified"] = time.time()
    return {"project": project}


@serves("codebuild", "CreateProject")
def create(call: Call) -> Record:
    projects, name = call.store(Projects).by_name, call.params["name"]
    arn = call.arn(f"project/{name}")
    if name in projects:
        raise ApiError("ResourceAlreadyExistsException", f"Project already exists: {arn}")
    _check(call.params)
    projects[name] = {
        "name": name,
        "arn": arn,
        "created": time.time(),
        "badge": {"badgeEnabled": False},
        "cache": {"type": "NO_CACHE"},
        "encryptionKey": call.arn("alias/aws/s3", "kms"),
        "queuedTimeoutInMinutes": 480,
        "timeoutInMinutes": 60,
        "projectVisibility": "PRIVATE",
    }
    return _set(call, projects[name])


@serves("codebuild", "UpdateProject")
def update(call: Call) -> Record:
    project = call.store(Projects).by_name.get(call.params["name"])
    if project is None:
        raise ApiError("ResourceNotFoundException", f"Project cannot be found: {call.params['name']}")
    _check({**project, **call.params})
    return _set(call, project)


@serves("codebuild", "BatchGetProjects")
def get(call: Call) -> Record:
    projects, wanted = call.store(Projects).by_name, call.params["names"]
    names = [name.rpartition("project/")[2] for name in wanted]
    return {
        "projects": [projects[name] for name in names if name in projects],
        "projectsNotFound": [given for given, name in zip(wanted, names, strict=True) if name not in projects],
    }


@serves("codebuild", "ListProjects")
def names(call: Call) -> Record:
    return {"projects": sorted(call.store(Projects).by_name)}


@serves("codebuild", "DeleteProject")
def delete(call: Call) -> Record:
    call.store(Projects).by_name.pop(call.params["name"], None)
    return {}


@serves("codebuild", "StartBuild", "BatchGetBuilds", "ListBuilds", "ListBuildsForProject", "StopBuild")
def no_builds(call: Call) -> Record:
    raise call.not_available("there is no machine to build on")
