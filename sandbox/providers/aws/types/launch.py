"""Launch templates and placement groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Naming, Record, Resource, Step, after, at, first
from sandbox.providers.aws.shapes import boolean, camel, pascal
from sandbox.providers.aws.types.describe import find

RENAMES = {
    "acceleratorTotalMemoryMib": "AcceleratorTotalMemoryMiB",
    "enableResourceNameDnsAaaaRecord": "EnableResourceNameDnsAAAARecord",
    "memoryGibPerVcpu": "MemoryGiBPerVCpu",
    "memoryMib": "MemoryMiB",
    "totalLocalStorageGb": "TotalLocalStorageGB",
    "vcpuCount": "VCpuCount",
    "securityGroupNames": "SecurityGroups",
    "vpcSecurityGroupIds": "SecurityGroupIds",
}
INTERFACE_RENAMES = {
    "securityGroups": "Groups",
    "ipv4AddressCount": "SecondaryPrivateIpAddressCount",
    "enaSrdSpecification": "EnaSrdSpecification",
}
ADDRESSES = {
    "ipv4Addresses": ("PrivateIpAddresses", "PrivateIpAddress"),
    "ipv6Addresses": ("Ipv6Addresses", "Ipv6Address"),
    "ipv4Prefixes": ("Ipv4Prefixes", "Ipv4Prefix"),
    "ipv6Prefixes": ("Ipv6Prefixes", "Ipv6Prefix"),
}
BOOLEANS = {
    "associateCarrierIpAddress",
    "associatePublicIpAddress",
    "deleteOnTermination",
    "ebsOptimized",
    "encrypted",
    "primaryIpv6",
}
"""Booleans that pulumi-aws writes as text, so that "not given" can be told from false."""
DATA = (
    *("blockDeviceMappings", "capacityReservationSpecification", "cpuOptions", "creditSpecification", "disableApiStop"),
    *("disableApiTermination", "ebsOptimized", "enclaveOptions", "hibernationOptions", "iamInstanceProfile", "imageId"),
    *("instanceInitiatedShutdownBehavior", "instanceMarketOptions", "instanceRequirements", "instanceType", "kernelId"),
    *("keyName", "licenseSpecifications", "maintenanceOptions", "metadataOptions", "monitoring", "networkInterfaces"),
    *("networkPerformanceOptions", "placement", "privateDnsNameOptions", "ramDiskId", "securityGroupNames"),
    *("tagSpecifications", "userData", "vpcSecurityGroupIds"),
)
GONE = (
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.NotFoundException",
    "InvalidLaunchTemplateName.NotFoundException",
)


def _booleans(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: boolean(item) if key in BOOLEANS else _booleans(item) for key, item in value.items()}
    return [_booleans(item) for item in value] if isinstance(value, list) else value


def data(r: Mapping[str, Any]) -> dict[str, Any]:
    """The LaunchTemplateData of the inputs."""
    given = {name: r[name] for name in DATA if name in r and r[name] is not None}
    interfaces, specifications = given.pop("networkInterfaces", []), given.pop("tagSpecifications", [])
    result = pascal(_booleans(given), RENAMES)
    if interfaces:
        result["NetworkInterfaces"] = [_interface(one) for one in interfaces]
    if specifications:
        result["TagSpecifications"] = [
            {"ResourceType": one["resourceType"], "Tags": tags.pairs(one.get("tags") or {})} for one in specifications
        ]
    return result


def _interface(interface: Mapping[str, Any]) -> dict[str, Any]:
    lists = {
        key: [{item: address} for address in interface[ours]]
        for ours, (key, item) in ADDRESSES.items()
        if interface.get(ours)
    }
    rest = {key: value for key, value in interface.items() if key not in ADDRESSES}
    return pascal(_booleans(rest), INTERFACE_RENAMES) | lists


def described(live: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs in LaunchTemplateData: the reverse of `data`."""
    interfaces, specifications = live.get("NetworkInterfaces") or [], live.get("TagSpecifications") or []
    rest = {key: value for key, value in live.items() if key not in ("NetworkInterfaces", "TagSpecifications")}
    result = camel(rest, RENAMES)
    if interfaces:
        result["networkInterfaces"] = [_described_interface(one) for one in interfaces]
    # The template's own tags are sometimes echoed among those of what it launches.
    kept = [one for one in specifications if one.get("ResourceType") != "launch-template"]
    if kept:
        result["tagSpecifications"] = [
            {"resourceType": one["ResourceType"], "tags": tags.from_pairs(one.get("Tags"))} for one in kept
        ]
    return result


def _described_interface(live: Mapping[str, Any]) -> dict[str, Any]:
    theirs = {key for key, _ in ADDRESSES.values()}
    result = camel({key: value for key, value in live.items() if key not in theirs}, INTERFACE_RENAMES)
    for ours, (key, item) in ADDRESSES.items():
        if live.get(key):
            result[ours] = [one[item] for one in live[key]]
    return result


def _read(api: Api, r: Resource) -> Any:
    template = first(api("describe_launch_templates", LaunchTemplateIds=[r.id])["LaunchTemplates"])
    answer = api("describe_launch_template_versions", LaunchTemplateId=r.id, Versions=["$Latest"])
    latest = first(answer["LaunchTemplateVersions"])
    return {**template, "latest": latest, "data": described(latest.get("LaunchTemplateData") or {})}


def _new_version(api: Api, r: Resource) -> None:
    api(
        "create_launch_template_version",
        LaunchTemplateId=r.id,
        LaunchTemplateData=data(r),
        VersionDescription=r["description"],
    )


def _default_version(api: Api, r: Resource) -> None:
    template = first(api("describe_launch_templates", LaunchTemplateIds=[r.id])["LaunchTemplates"])
    version = template["LatestVersionNumber"] if r["updateDefaultVersion"] else r["defaultVersion"]
    if version and version != template["DefaultVersionNumber"]:
        api("modify_launch_template", LaunchTemplateId=r.id, DefaultVersion=str(version))


def _data_output(name: str) -> Any:
    return lambda live, _: live["data"].get(name)


def _bumped(inputs: Mapping[str, Any], changed: set[str]) -> list[str]:
    version = bool(changed & {*DATA, "description"})
    default = inputs.get("updateDefaultVersion") and (version or "updateDefaultVersion" in changed)
    return [name for name, moves in (("latestVersion", version), ("defaultVersion", default)) if moves]


LAUNCH_TEMPLATE = Record(
    type="aws:ec2/launchTemplate:LaunchTemplate",
    service="ec2",
    create=lambda api, r: api(
        "create_launch_template",
        LaunchTemplateName=r["name"],
        LaunchTemplateData=data(r),
        VersionDescription=r["description"],
        **r.tags_argument,
    )["LaunchTemplate"]["LaunchTemplateId"],
    read=_read,
    delete=lambda api, r: api("delete_launch_template", LaunchTemplateId=r.id),
    gone=GONE,
    force=("name", "namePrefix"),
    steps=(
        Step((*DATA, "description"), _new_version, at_create=False),
        Step(("updateDefaultVersion", "defaultVersion", *DATA), _default_version),
    ),
    naming=Naming(longest=128),
    computed=("defaultVersion",),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"launch-template/{r.id}"),
        "name": "LaunchTemplateName",
        "latestVersion": "LatestVersionNumber",
        "defaultVersion": lambda live, r: live["DefaultVersionNumber"],  # noqa: ARG005
        "description": lambda live, r: at(live, "latest.VersionDescription") or r["description"],
        **{name: _data_output(name) for name in DATA},
    },
    bumped=_bumped,
    tagging=tags.ec2("launch-template"),
    listing=lambda api: find(api, "describe_launch_templates", "LaunchTemplates", key="LaunchTemplateId"),
)

PLACEMENT_GROUP = Record(
    type="aws:ec2/placementGroup:PlacementGroup",
    service="ec2",
    create=lambda api, r: after(
        api(
            "create_placement_group",
            GroupName=r["name"],
            Strategy=r["strategy"],
            PartitionCount=r["partitionCount"],
            SpreadLevel=r["spreadLevel"],
            **r.tags_argument,
        ),
        r["name"],
    ),
    read=lambda api, r: first(api("describe_placement_groups", GroupNames=[r.id])["PlacementGroups"]),
    delete=lambda api, r: api("delete_placement_group", GroupName=r.id),
    gone=("InvalidPlacementGroup.Unknown",),
    required=("strategy",),
    force=("name", "strategy", "partitionCount", "spreadLevel"),
    naming=Naming(prefix=None, longest=255),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("ec2", f"placement-group/{r['name']}")},
    parse_id=lambda text: {"name": text},
    outputs={
        "arn": lambda live, r: live.get("GroupArn") or r.arn("ec2", f"placement-group/{r.id}"),
        "name": "GroupName",
        "strategy": "Strategy",
        "partitionCount": "PartitionCount",
        "spreadLevel": "SpreadLevel",
        "placementGroupId": "GroupId",
    },
    status=lambda live: live.get("State"),
    pending=("pending", "deleting"),
    tagging=tags.ec2("placement-group", key=lambda r: r["placementGroupId"]),
    listing=lambda api: find(api, "describe_placement_groups", "PlacementGroups", key="GroupName"),
)

RECORDS = (LAUNCH_TEMPLATE, PLACEMENT_GROUP)
