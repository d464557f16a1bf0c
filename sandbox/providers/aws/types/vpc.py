"""VPC, subnets and internet gateways."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Record, Resource, Step, at, first
from sandbox.providers.aws.types.describe import filters, find


def _read_vpc(api: Api, r: Resource) -> Any:
    vpc = first(api("describe_vpcs", VpcIds=[r.id])["Vpcs"])
    for name, key in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames")):
        vpc[name] = api("describe_vpc_attribute", VpcId=r.id, Attribute=name)[key]["Value"]
    if r["enableNetworkAddressUsageMetrics"] is not None:
        answer = api("describe_vpc_attribute", VpcId=r.id, Attribute="enableNetworkAddressUsageMetrics")
        vpc["usage"] = at(answer, "EnableNetworkAddressUsageMetrics.Value")
    group = api("describe_security_groups", Filters=filters(vpc_id=r.id, group_name="default"))["SecurityGroups"]
    main = api(
        "describe_route_tables", Filters=[*filters(vpc_id=r.id), {"Name": "association.main", "Values": ["true"]}]
    )
    acl = api("describe_network_acls", Filters=filters(vpc_id=r.id, default="true"))["NetworkAcls"]
    vpc["group"], vpc["main"], vpc["acl"] = (
        at(group, "0.GroupId"),
        at(main, "RouteTables.0.RouteTableId"),
        at(acl, "0.NetworkAclId"),
    )
    return vpc


def _set_attribute(attribute: str, name: str) -> Step:
    def run(api: Api, r: Resource) -> None:
        value = r[name] if r[name] is not None else name == "enableDnsSupport"
        api("modify_vpc_attribute", VpcId=r.id, **{attribute: {"Value": value}})

    return Step((name,), run)


VPC = Record(
    type="aws:ec2/vpc:Vpc",
    service="ec2",
    create=lambda api, r: api(
        "create_vpc",
        CidrBlock=r["cidrBlock"],
        InstanceTenancy=r["instanceTenancy"],
        AmazonProvidedIpv6CidrBlock=r["assignGeneratedIpv6CidrBlock"],
        **r.tags_argument,
    )["Vpc"]["VpcId"],
    read=_read_vpc,
    delete=lambda api, r: api("delete_vpc", VpcId=r.id),
    gone=("InvalidVpcID.NotFound",),
    force=("cidrBlock", "instanceTenancy", "assignGeneratedIpv6CidrBlock"),
    steps=(
        _set_attribute("EnableDnsSupport", "enableDnsSupport"),
        _set_attribute("EnableDnsHostnames", "enableDnsHostnames"),
        _set_attribute("EnableNetworkAddressUsageMetrics", "enableNetworkAddressUsageMetrics"),
    ),
    computed=("cidrBlock",),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"vpc/{r.id}"),
        "cidrBlock": "CidrBlock",
        "instanceTenancy": "InstanceTenancy",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
        "enableDnsSupport": "enableDnsSupport",
        "enableDnsHostnames": "enableDnsHostnames",
        "enableNetworkAddressUsageMetrics": "usage",
        "dhcpOptionsId": "DhcpOptionsId",
        "defaultSecurityGroupId": "group",
        "defaultRouteTableId": "main",
        "mainRouteTableId": "main",
        "defaultNetworkAclId": "acl",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock",
        "ipv6AssociationId": "Ipv6CidrBlockAssociationSet.0.AssociationId",
    },
    defaults={"instanceTenancy": "default", "enableDnsSupport": True, "enableDnsHostnames": False},
    tagging=tags.ec2("vpc"),
    listing=lambda api: find(api, "describe_vpcs", "Vpcs", key="VpcId", own=lambda vpc: not vpc.get("IsDefault")),
)


# Subnet


def _subnet_flag(name: str, attribute: str, boolean: bool = True) -> Step:
    def run(api: Api, r: Resource) -> None:
        value = {"Value": bool(r[name])} if boolean else r[name] or "ip-name"
        api("modify_subnet_attribute", SubnetId=r.id, **{attribute: value})

    return Step((name,), run)


def _dns_option(key: str, name: str) -> Any:
    # Kept when the API does not report it at all: absence of the whole block is no drift.
    return lambda live, r: at(live, f"PrivateDnsNameOptionsOnLaunch.{key}") if live.get(OPTIONS) else r[name]


OPTIONS = "PrivateDnsNameOptionsOnLaunch"
SUBNET = Record(
    type="aws:ec2/subnet:Subnet",
    service="ec2",
    create=lambda api, r: api(
        "create_subnet",
        VpcId=r["vpcId"],
        CidrBlock=r["cidrBlock"],
        Ipv6CidrBlock=r["ipv6CidrBlock"],
        AvailabilityZone=r["availabilityZone"],
        AvailabilityZoneId=r["availabilityZoneId"],
        **r.tags_argument,
    )["Subnet"]["SubnetId"],
    read=lambda api, r: first(api("describe_subnets", SubnetIds=[r.id])["Subnets"]),
    delete=lambda api, r: api("delete_subnet", SubnetId=r.id),
    gone=("InvalidSubnetID.NotFound",),
    required=("vpcId",),
    force=("vpcId", "cidrBlock", "ipv6CidrBlock", "availabilityZone", "availabilityZoneId"),
    steps=(
        _subnet_flag("mapPublicIpOnLaunch", "MapPublicIpOnLaunch"),
        _subnet_flag("assignIpv6AddressOnCreation", "AssignIpv6AddressOnCreation"),
        _subnet_flag("enableResourceNameDnsARecordOnLaunch", "EnableResourceNameDnsARecordOnLaunch"),
        _subnet_flag("privateDnsHostnameTypeOnLaunch", "PrivateDnsHostnameTypeOnLaunch", boolean=False),
    ),
    computed=(
        "availabilityZone",
        "availabilityZoneId",
    ),
    outputs={
        "arn": lambda live, r: live.get("SubnetArn") or r.arn("ec2", f"subnet/{r.id}"),
        "vpcId": "VpcId",
        "cidrBlock": "CidrBlock",
        "availabilityZone": "AvailabilityZone",
        "availabilityZoneId": "AvailabilityZoneId",
        "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
        "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
        "enableResourceNameDnsARecordOnLaunch": _dns_option(
            "EnableResourceNameDnsARecord", "enableResourceNameDnsARecordOnLaunch"
        ),
        "privateDnsHostnameTypeOnLaunch": _dns_option("HostnameType", "privateDnsHostnameTypeOnLaunch"),
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet.0.Ipv6CidrBlock",
        "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet.0.AssociationId",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
    },
    defaults={"mapPublicIpOnLaunch": False, "assignIpv6AddressOnCreation": False}
    | {"enableResourceNameDnsARecordOnLaunch": False, "privateDnsHostnameTypeOnLaunch": "ip-name"},
    tagging=tags.ec2("subnet"),
    listing=lambda api: find(
        api, "describe_subnets", "Subnets", key="SubnetId", own=lambda subnet: not subnet.get("DefaultForAz")
    ),
)


# Internet gateway


def _read_gateway(api: Api, r: Resource) -> Any:
    return first(api("describe_internet_gateways", InternetGatewayIds=[r.id])["InternetGateways"])


def _attach(api: Api, r: Resource) -> None:
    now = at(_read_gateway(api, r), "Attachments.0.VpcId")
    if now == r["vpcId"]:
        return
    if now:
        api("detach_internet_gateway", InternetGatewayId=r.id, VpcId=now)
    if r["vpcId"]:
        api("attach_internet_gateway", InternetGatewayId=r.id, VpcId=r["vpcId"])


def _delete_gateway(api: Api, r: Resource) -> None:
    attached = at(_read_gateway(api, r), "Attachments.0.VpcId")
    if attached:
        api("detach_internet_gateway", InternetGatewayId=r.id, VpcId=attached)
    api("delete_internet_gateway", InternetGatewayId=r.id)


INTERNET_GATEWAY = Record(
    type="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    create=lambda api, r: api("create_internet_gateway", **r.tags_argument)["InternetGateway"]["InternetGatewayId"],
    read=_read_gateway,
    delete=_delete_gateway,
    gone=("InvalidInternetGatewayID.NotFound",),
    steps=(Step(("vpcId",), _attach),),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"internet-gateway/{r.id}"),
        "vpcId": "Attachments.0.VpcId",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
    },
    tagging=tags.ec2("internet-gateway"),
    listing=lambda api: find(api, "describe_internet_gateways", "InternetGateways", key="InternetGatewayId"),
)


RECORDS = (VPC, SUBNET, INTERNET_GATEWAY)
