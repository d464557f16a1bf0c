"""VPC endpoints and flow logs."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError
from sandbox.providers.aws.record import Api, Record, Resource, Step, at, first
from sandbox.providers.aws.shapes import camel, pascal, text
from sandbox.providers.aws.types.describe import filters, find

SETS = {"routeTableIds": "RouteTable", "subnetIds": "Subnet", "securityGroupIds": "SecurityGroup"}


def _read_endpoint(api: Api, r: Resource) -> Any:
    found = first(api("describe_vpc_endpoints", VpcEndpointIds=[r.id])["VpcEndpoints"])
    if not found or str(found.get("State", "")).lower() == "deleted":
        return None
    if found.get("VpcEndpointType") == "Gateway":
        lists = api("describe_managed_prefix_lists", Filters=filters(prefix_list_name=found["ServiceName"]))
        found["prefix"] = at(lists, "PrefixLists.0.PrefixListId")
    return found


def _create_endpoint(api: Api, r: Resource) -> str:
    made = api(
        "create_vpc_endpoint",
        VpcId=r["vpcId"],
        ServiceName=r["serviceName"],
        VpcEndpointType=r["vpcEndpointType"],
        PolicyDocument=text(r["policy"]),
        RouteTableIds=r["routeTableIds"],
        SubnetIds=r["subnetIds"],
        SecurityGroupIds=r["securityGroupIds"],
        PrivateDnsEnabled=r["privateDnsEnabled"],
        IpAddressType=r["ipAddressType"],
        DnsOptions=pascal(r["dnsOptions"]),
        **r.tags_argument,
    )
    return made["VpcEndpoint"]["VpcEndpointId"]


def _modify_endpoint(api: Api, r: Resource) -> None:
    arguments: dict[str, Any] = {}
    for name, noun in SETS.items():
        before, after = set(r.old.get(name) or []), set(r[name] or [])
        arguments[f"Add{noun}Ids"] = sorted(after - before) or None
        arguments[f"Remove{noun}Ids"] = sorted(before - after) or None
    if r.old.get("policy") != r["policy"]:
        arguments |= {"PolicyDocument": text(r["policy"])} if r["policy"] else {"ResetPolicy": True}
    arguments |= {"PrivateDnsEnabled": r["privateDnsEnabled"], "IpAddressType": r["ipAddressType"]}
    api("modify_vpc_endpoint", VpcEndpointId=r.id, **arguments, DnsOptions=pascal(r["dnsOptions"]))


def _dns_entries(live: Any, r: Resource) -> list[Any]:  # noqa: ARG001
    return [
        {"dnsName": one.get("DnsName"), "hostedZoneId": one.get("HostedZoneId")} for one in live.get("DnsEntries") or []
    ]


VPC_ENDPOINT = Record(
    type="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    create=_create_endpoint,
    read=_read_endpoint,
    delete=lambda api, r: api("delete_vpc_endpoints", VpcEndpointIds=[r.id]),
    gone=("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"),
    required=("vpcId",),
    force=("vpcId", "serviceName", "vpcEndpointType"),
    steps=(
        Step((*SETS, "policy", "privateDnsEnabled", "ipAddressType", "dnsOptions"), _modify_endpoint, at_create=False),
    ),
    computed=(
        "policy",
        "ipAddressType",
        "dnsOptions",
        "routeTableIds",
        "subnetIds",
        "securityGroupIds",
    ),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"vpc-endpoint/{r.id}"),
        "vpcId": "VpcId",
        "serviceName": "ServiceName",
        "vpcEndpointType": "VpcEndpointType",
        "policy": lambda live, r: live.get("PolicyDocument") or r["policy"],
        "privateDnsEnabled": "PrivateDnsEnabled",
        "routeTableIds": "RouteTableIds",
        "subnetIds": "SubnetIds",
        "securityGroupIds": lambda live, r: [one["GroupId"] for one in live.get("Groups") or []],  # noqa: ARG005
        "ipAddressType": lambda live, r: live.get("IpAddressType") or r["ipAddressType"],
        "dnsOptions": lambda live, r: camel(live.get("DnsOptions")) or r["dnsOptions"],
        "networkInterfaceIds": "NetworkInterfaceIds",
        "dnsEntries": _dns_entries,
        "prefixListId": "prefix",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
        "requesterManaged": lambda live, r: bool(live.get("RequesterManaged")),  # noqa: ARG005
        "state": "State",
    },
    defaults={"vpcEndpointType": "Gateway", "privateDnsEnabled": False},
    status=lambda live: str(live.get("State", "")).lower(),
    pending=("pending", "deleting"),
    failed=("failed", "rejected", "expired"),
    tagging=tags.ec2("vpc-endpoint"),
    listing=lambda api: find(
        api,
        "describe_vpc_endpoints",
        "VpcEndpoints",
        key="VpcEndpointId",
        own=lambda one: str(one.get("State", "")).lower() != "deleted",
    ),
)


def _create_flow_log(api: Api, r: Resource) -> str:
    kinds = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
    watched = next((name for name in kinds if r[name]), "vpcId")
    answer = api(
        "create_flow_logs",
        ResourceIds=[r[watched]],
        ResourceType=kinds[watched],
        TrafficType=r["trafficType"] or "ALL",
        LogDestinationType=r["logDestinationType"] or "cloud-watch-logs",
        LogDestination=str(r["logDestination"] or "").removesuffix(":*") or None,
        DeliverLogsPermissionArn=r["iamRoleArn"],
        LogFormat=r["logFormat"],
        MaxAggregationInterval=r["maxAggregationInterval"],
        DestinationOptions=pascal(r["destinationOptions"]),
        **r.tags_argument,
    )
    refused = first(answer.get("Unsuccessful") or [])
    if refused:
        # The API answers 200 and hides the refusal in the result.
        error = refused.get("Error", {})
        raise AwsError(f"ec2:CreateFlowLogs: {error.get('Code')}: {error.get('Message')}", str(error.get("Code")))
    return answer["FlowLogIds"][0]


def _flow_log_of(kind: str, prefix: str) -> Any:
    return lambda live, r: live["ResourceId"] if str(live.get("ResourceId", "")).startswith(prefix) else r[kind]


FLOW_LOG = Record(
    type="aws:ec2/flowLog:FlowLog",
    service="ec2",
    create=_create_flow_log,
    read=lambda api, r: first(api("describe_flow_logs", FlowLogIds=[r.id])["FlowLogs"]),
    delete=lambda api, r: api("delete_flow_logs", FlowLogIds=[r.id]),
    gone=("InvalidFlowLogId.NotFound",),
    force=(
        *(
            "vpcId",
            "subnetId",
            "eniId",
            "trafficType",
            "logDestination",
            "logDestinationType",
            "iamRoleArn",
            "logFormat",
        ),
        *("maxAggregationInterval", "destinationOptions"),
    ),
    computed=(
        "logFormat",
        "logDestination",
    ),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"vpc-flow-log/{r.id}"),
        "vpcId": _flow_log_of("vpcId", "vpc-"),
        "subnetId": _flow_log_of("subnetId", "subnet-"),
        "eniId": _flow_log_of("eniId", "eni-"),
        "trafficType": "TrafficType",
        "logDestinationType": "LogDestinationType",
        "logDestination": lambda live, r: live.get("LogDestination") or r["logDestination"],
        "iamRoleArn": "DeliverLogsPermissionArn",
        "logFormat": "LogFormat",
        "maxAggregationInterval": "MaxAggregationInterval",
        "destinationOptions": lambda live, r: camel(live.get("DestinationOptions")) or r["destinationOptions"],
    },
    defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
    tagging=tags.ec2("vpc-flow-log"),
    listing=lambda api: find(api, "describe_flow_logs", "FlowLogs", key="FlowLogId"),
)

RECORDS = (VPC_ENDPOINT, FLOW_LOG)
