"""EKS managed node groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.providers.aws.record import Api, Found, Naming, Record, Resource, Step
from sandbox.providers.aws.shapes import whole
from sandbox.providers.aws.types.eks import FAILED, GONE, PENDING, described, of_cluster, tagging
from sandbox.providers.protocol import Props

SETTINGS = ("labels", "taints", "scalingConfig", "updateConfig", "nodeRepairConfig")
SOFTWARE = ("launchTemplate", "version", "releaseVersion")


def _names(r: Resource) -> dict[str, str]:
    return {"clusterName": r["clusterName"], "nodegroupName": r["nodeGroupName"]}


def _template(r: Resource) -> dict[str, Any] | None:
    given = r["launchTemplate"]
    return {**given, "version": str(given["version"])} if given else None


def _create(api: Api, r: Resource) -> str:
    made = api(
        "create_nodegroup",
        **_names(r),
        scalingConfig=r["scalingConfig"],
        diskSize=r["diskSize"],
        subnets=r["subnetIds"],
        instanceTypes=r["instanceTypes"],
        amiType=r["amiType"],
        remoteAccess=r["remoteAccess"],
        nodeRole=r["nodeRoleArn"],
        labels=r["labels"],
        taints=r["taints"],
        launchTemplate=_template(r),
        updateConfig=r["updateConfig"],
        nodeRepairConfig=r["nodeRepairConfig"],
        capacityType=r["capacityType"],
        version=r["version"],
        releaseVersion=r["releaseVersion"],
        **r.tags_argument,
    )["nodegroup"]
    return f"{made['clusterName']}:{made['nodegroupName']}"


def _key(taint: Props) -> tuple[Any, Any]:
    return taint.get("key"), taint.get("effect")


def _update_settings(api: Api, r: Resource) -> None:
    """Labels and taints as what to add and what to remove, everything else whole."""
    labels, before = r["labels"] or {}, r.old.get("labels") or {}
    taints, were = r["taints"] or [], r.old.get("taints") or []
    kept = {_key(taint) for taint in taints}
    arguments: dict[str, Any] = {}
    if labels != before:
        changed = {key: value for key, value in labels.items() if before.get(key) != value}
        removed = sorted(before.keys() - labels.keys())
        arguments["labels"] = {"addOrUpdateLabels": changed or None, "removeLabels": removed or None}
    if taints != were:
        changed_taints = [taint for taint in taints if taint not in were]
        removed_taints = [taint for taint in were if _key(taint) not in kept]
        arguments["taints"] = {"addOrUpdateTaints": changed_taints or None, "removeTaints": removed_taints or None}
    for name in ("scalingConfig", "updateConfig", "nodeRepairConfig"):
        if r[name] is not None and r[name] != r.old.get(name):
            arguments[name] = r[name]
    if arguments:
        api("update_nodegroup_config", **_names(r), **arguments)


def _update_software(api: Api, r: Resource) -> None:
    api(
        "update_nodegroup_version",
        **_names(r),
        launchTemplate=_template(r),
        version=r["version"],
        releaseVersion=r["releaseVersion"],
        force=r["forceUpdateVersion"],
    )


def _resources(live: Any, r: Resource) -> list[Any]:  # noqa: ARG001
    made = live.get("resources") or {}
    groups = [{"name": group["name"]} for group in made.get("autoScalingGroups") or []]
    remote = made.get("remoteAccessSecurityGroup")
    return [{"autoscalingGroups": groups, **({"remoteAccessSecurityGroupId": remote} if remote else {})}]


def _of_cluster(api: Api, cluster: str) -> Iterable[Found]:
    for name in whole(api, "list_nodegroups", "nodegroups", clusterName=cluster):
        names = {"clusterName": cluster, "nodegroupName": name}
        yield described(api, "describe_nodegroup", "nodegroup", "nodegroupArn", **names)


NODE_GROUP = Record(
    type="aws:eks/nodeGroup:NodeGroup",
    service="eks",
    create=_create,
    read=lambda api, r: api("describe_nodegroup", **_names(r))["nodegroup"],
    delete=lambda api, r: api("delete_nodegroup", **_names(r)),
    gone=GONE,
    required=("clusterName", "nodeRoleArn", "subnetIds", "scalingConfig"),
    force=(
        *(
            "clusterName",
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "nodeRoleArn",
            "subnetIds",
            "instanceTypes",
            "amiType",
        ),
        *("capacityType", "diskSize", "remoteAccess", "launchTemplate.id", "launchTemplate.name"),
    ),
    steps=(
        Step(SETTINGS, _update_settings, at_create=False),
        Step(SOFTWARE, _update_software, at_create=False),
    ),
    stored=("forceUpdateVersion",),
    naming=Naming(input="nodeGroupName", prefix="nodeGroupNamePrefix", longest=63),
    identity=lambda r: f"{r['clusterName']}:{r['nodeGroupName']}",
    parse_id=lambda text: dict(zip(("clusterName", "nodeGroupName"), text.split(":", 1), strict=False)),
    computed=(
        "amiType",
        "capacityType",
        "diskSize",
        "instanceTypes",
        "launchTemplate.id",
        "launchTemplate.name",
        "releaseVersion",
        "updateConfig",
        "version",
    ),
    outputs={
        "arn": "nodegroupArn",
        "clusterName": "clusterName",
        "nodeGroupName": "nodegroupName",
        "nodeRoleArn": "nodeRole",
        "subnetIds": "subnets",
        "scalingConfig": "scalingConfig",
        "instanceTypes": lambda live, r: live.get("instanceTypes") or r["instanceTypes"],
        "amiType": "amiType",
        "capacityType": "capacityType",
        "diskSize": lambda live, r: live.get("diskSize") or r["diskSize"],
        "labels": lambda live, _: live.get("labels") or None,
        "taints": lambda live, _: live.get("taints") or None,
        "launchTemplate": lambda live, r: {**(r["launchTemplate"] or {}), **(live.get("launchTemplate") or {})} or None,
        "updateConfig": "updateConfig",
        "nodeRepairConfig": "nodeRepairConfig",
        "remoteAccess": "remoteAccess",
        "version": "version",
        "releaseVersion": "releaseVersion",
        "resources": _resources,
        "status": "status",
    },
    defaults={"capacityType": "ON_DEMAND", "diskSize": 20},
    status=lambda live: live.get("status"),
    pending=PENDING,
    failed=FAILED,
    tagging=tagging(),
    listing=of_cluster(_of_cluster),
)

RECORDS = (NODE_GROUP,)
