"""CodeBuild projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.providers.aws.record import Api, Found, Record, Resource, Step, first
from sandbox.providers.aws.shapes import camel, whole
from sandbox.providers.aws.tags import Tagging, Tags, from_pairs

RENAMED = {"buildTimeout": "timeoutInMinutes", "queuedTimeout": "queuedTimeoutInMinutes"}
CHANGEABLE = (
    "artifacts",
    "buildTimeout",
    "cache",
    "concurrentBuildLimit",
    "description",
    "encryptionKey",
    "environment",
    "logsConfig",
    "queuedTimeout",
    "serviceRole",
    "source",
    "sourceVersion",
    "vpcConfig",
)
LOGS = {"cloudwatchLogs": "cloudWatchLogs"}


def _spelled(value: Any) -> Any:
    """As the API spells it: only the CloudWatch part of the log settings differs."""
    return {LOGS.get(key, key): item for key, item in value.items()} if isinstance(value, Mapping) else value


def _arguments(r: Resource) -> dict[str, Any]:
    return {RENAMED.get(name, name): _spelled(r[name]) for name in CHANGEABLE}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _name(r: Resource) -> str:
    return r.id.rpartition("project/")[2]


def _write_tags(api: Api, r: Resource, all_: Tags, changed: Tags, removed: list[str]) -> None:  # noqa: ARG001
    api("update_project", name=_name(r), tags=_pairs(all_))


PROJECT = Record(
    type="aws:codebuild/project:Project",
    service="codebuild",
    create=lambda api, r: api("create_project", name=r["name"], **_arguments(r), **r.tags_argument)["project"]["arn"],
    read=lambda api, r: first(api("batch_get_projects", names=[_name(r)])["projects"]),
    delete=lambda api, r: api("delete_project", name=_name(r)),
    required=("artifacts", "environment", "serviceRole", "source"),
    force=("name",),
    steps=(Step(CHANGEABLE, lambda api, r: api("update_project", name=_name(r), **_arguments(r)), at_create=False),),
    identity=lambda r: r.arn("codebuild", f"project/{r['name']}"),
    known=lambda r: {"arn": r.arn("codebuild", f"project/{r['name']}")},
    parse_id=lambda arn: {"name": arn.rpartition("project/")[2]},
    computed=("cache", "encryptionKey", "buildTimeout", "queuedTimeout"),
    outputs={
        "arn": "arn",
        "name": "name",
        **{name: RENAMED.get(name, name) for name in CHANGEABLE if name != "logsConfig"},
        "logsConfig": lambda live, _: camel(live.get("logsConfig"), LOGS),
    },
    defaults={"buildTimeout": 60, "queuedTimeout": 480},
    tagging=Tagging(
        lambda tags: {"tags": _pairs(tags)},
        lambda api, r, live: from_pairs(live.get("tags"), "key", "value"),  # noqa: ARG005
        _write_tags,
    ),
    listing=lambda api: [
        Found(one["arn"], one["arn"], from_pairs(one.get("tags"), "key", "value"))
        for name in whole(api, "list_projects", "projects")
        for one in api("batch_get_projects", names=[name])["projects"]
    ],
)

RECORDS = (PROJECT,)
