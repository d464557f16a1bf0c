"""EC2 networks: every resource type the components use, made, read back, changed, tagged, deleted, gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.aws.conftest import Client, Network, pairs, refused, tags


@pytest.fixture
def ec2(aws: Client) -> Any:
    return aws("ec2")


def test_vpc(ec2: Any) -> None:
    made = ec2.create_vpc(CidrBlock="10.1.0.0/16", InstanceTenancy="default", TagSpecifications=tags("vpc", a="b"))
    vpc = made["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
        name = attribute[0].lower() + attribute[1:]
        assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[attribute] == {"Value": True}
    ec2.create_tags(Resources=[vpc], Tags=pairs({"c": "d"}))
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a"}])
    [read] = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert (read["CidrBlock"], read["Tags"]) == ("10.1.0.0/16", pairs({"c": "d"}))
    ec2.delete_vpc(VpcId=vpc)
    with refused("InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=[vpc])
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc]}])["Tags"] == []


def test_subnet_keeps_every_attribute(ec2: Any, network: Network) -> None:
    made = ec2.create_subnet(
        VpcId=network.vpc,
        CidrBlock="10.0.50.0/24",
        AvailabilityZone="us-east-1c",
        TagSpecifications=tags("subnet", role="pods"),
    )
    subnet = made["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableDns64={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsARecordOnLaunch={"Value": True})
    ec2.modify_subnet_attribute(SubnetId=subnet, EnableResourceNameDnsAAAARecordOnLaunch={"Value": True})
    [read] = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert read["AvailabilityZone"] == "us-east-1c"
    assert read["MapPublicIpOnLaunch"] is True
    assert read["EnableDns64"] is True
    assert read["PrivateDnsNameOptionsOnLaunch"] == {
        "HostnameType": "resource-name",
        "EnableResourceNameDnsARecord": True,
        "EnableResourceNameDnsAAAARecord": True,
    }
    assert read["Tags"] == pairs({"role": "pods"})
    ec2.delete_subnet(SubnetId=subnet)
    with refused("InvalidSubnetID.NotFound"):
        ec2.describe_subnets(SubnetIds=[subnet])


def test_internet_gateway(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway", a="b"))
    gateway = made["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    [read] = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    assert read["Attachments"] == [{"State": "available", "VpcId": vpc}]
    assert read["Tags"] == pairs({"a": "b"})
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("InvalidInternetGatewayID.NotFound"):
        ec2.describe_internet_gateways(InternetGatewayIds=[gateway])
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [gateway]}])["Tags"] == []


def test_address_and_nat_gateway_hold_each_other_until_the_gateway_is_gone(ec2: Any, network: Network) -> None:
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip", a="b"))
    assert address["NetworkBorderGroup"] == "us-east-1"
    allocation, subnet = address["AllocationId"], network.subnets[0]
    made = ec2.create_nat_gateway(
        SubnetId=subnet, AllocationId=allocation, ConnectivityType="public", TagSpecifications=tags("natgateway", n="1")
    )["NatGateway"]
    [nat] = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert (nat["State"], nat["SubnetId"], nat["Tags"]) == ("available", subnet, pairs({"n": "1"}))
    assert nat["NatGatewayAddresses"][0]["AllocationId"] == allocation
    [read] = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]
    assert read["AssociationId"] == nat["NatGatewayAddresses"][0]["AssociationId"]
    assert read["Tags"] == pairs({"a": "b"})
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=allocation)
    with refused("Resource.AlreadyAssociated"):
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)
    with refused("DependencyViolation", "eni-"):
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    [gone] = ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert gone["State"] == "deleted"
    assert "DeleteTime" in gone
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    assert interfaces["NetworkInterfaces"] == []
    ec2.release_address(AllocationId=allocation)
    with refused("InvalidAllocationID.NotFound"):
        ec2.describe_addresses(AllocationIds=[allocation])


def test_an_unknown_nat_gateway_is_an_error(ec2: Any) -> None:
    for call in (ec2.delete_nat_gateway, lambda NatGatewayId: ec2.describe_nat_gateways(NatGatewayIds=[NatGatewayId])):  # noqa: N803
        with refused("NatGatewayNotFound"):
            call(NatGatewayId="nat-0123456789abcdef0")


def test_route_table_routes_and_associations(ec2: Any, network: Network) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    made = ec2.create_route_table(VpcId=network.vpc, TagSpecifications=tags("route-table", a="b"))
    table = made["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=network.subnets[0])["AssociationId"]
    [read] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert read["Tags"] == pairs({"a": "b"})
    assert [route["GatewayId"] for route in read["Routes"]] == ["local", gateway]
    assert [entry["SubnetId"] for entry in read["Associations"]] == [network.subnets[0]]
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table)
    with refused("InvalidRouteTableID.NotFound"):
        ec2.describe_route_tables(RouteTableIds=[table])
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=network.vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def test_gateway_endpoint_moves_its_routes(ec2: Any, network: Network) -> None:
    tables = [ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"] for _ in range(2)]

    def through(endpoint: str) -> list[str]:
        listed = ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"]
        return [t["RouteTableId"] for t in listed if any(r.get("GatewayId") == endpoint for r in t["Routes"])]

    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Gateway",
        VpcId=network.vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[tables[0]],
        PolicyDocument='{"Version":"2012-10-17","Statement":[]}',
        TagSpecifications=tags("vpc-endpoint", a="b"),
    )["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]
    assert made["PrivateDnsEnabled"] is False
    assert through(endpoint) == [tables[0]]
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[tables[1]], RemoveRouteTableIds=[tables[0]])
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument='{"Version":"2012-10-17","Statement":[{}]}')
    [read] = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [endpoint]}])["VpcEndpoints"]
    assert through(endpoint) == read["RouteTableIds"] == [tables[1]]
    assert read["PolicyDocument"] == '{"Version":"2012-10-17","Statement":[{}]}'
    assert read["Tags"] == pairs({"a": "b"})
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    assert through(endpoint) == []
    with refused("InvalidVpcEndpointId.NotFound"):
        ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])
    [problem] = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"]
    assert problem["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"


def test_interface_endpoint_keeps_options_and_moves_its_interfaces(ec2: Any, network: Network) -> None:
    made = ec2.create_vpc_endpoint(
        VpcEndpointType="Interface",
        VpcId=network.vpc,
        ServiceName="com.amazonaws.us-east-1.sts",
        SubnetIds=[network.subnets[0]],
        SecurityGroupIds=[network.group],
        PrivateDnsEnabled=True,
        IpAddressType="ipv4",
        DnsOptions={"DnsRecordIpType": "ipv4"},
    )["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint,
        AddSubnetIds=[network.subnets[1]],
        RemoveSubnetIds=[network.subnets[0]],
        RemoveSecurityGroupIds=[network.group],
        PrivateDnsEnabled=False,
    )
    [read] = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert read["SubnetIds"] == [network.subnets[1]]
    assert (read["IpAddressType"], read["DnsOptions"]["DnsRecordIpType"]) == ("ipv4", "ipv4")
    assert read["PrivateDnsEnabled"] is False
    assert read["Groups"] == []
    [interface] = ec2.describe_network_interfaces(NetworkInterfaceIds=read["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert interface["SubnetId"] == network.subnets[1]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    with refused("InvalidServiceName"):
        ec2.create_vpc_endpoint(VpcId=network.vpc, ServiceName="com.amazonaws.us-east-1.bogus")


def test_flow_log_to_a_log_group_named_by_its_arn_and_to_a_prefix_in_a_bucket(aws: Client, network: Network) -> None:
    ec2 = aws("ec2")
    aws("logs").create_log_group(logGroupName="/flow")
    aws("s3").create_bucket(Bucket="flow-logs")
    to_group = ec2.create_flow_logs(
        ResourceIds=[network.vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogDestination="arn:aws:logs:us-east-1:123456789012:log-group:/flow",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/flow",
        MaxAggregationInterval=60,
        TagSpecifications=tags("vpc-flow-log", a="b"),
    )
    to_bucket: dict[str, Any] = {
        "ResourceIds": [network.vpc],
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
        "LogDestinationType": "s3",
        "LogDestination": "arn:aws:s3:::flow-logs/vpc/",
        "DestinationOptions": {"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True},
    }
    made = ec2.create_flow_logs(**to_bucket)
    assert to_group["Unsuccessful"] == made["Unsuccessful"] == []
    ids = to_group["FlowLogIds"] + made["FlowLogIds"]
    first, second = ec2.describe_flow_logs(FlowLogIds=ids)["FlowLogs"]
    assert (first["LogGroupName"], first["DeliverLogsStatus"]) == ("/flow", "SUCCESS")
    assert (first["MaxAggregationInterval"], first["Tags"]) == (60, pairs({"a": "b"}))
    assert second["LogDestination"] == to_bucket["LogDestination"]
    assert second["DestinationOptions"] == to_bucket["DestinationOptions"]
    with refused("FlowLogAlreadyExists"):
        ec2.create_flow_logs(**to_bucket)
    ec2.delete_flow_logs(FlowLogIds=ids)
    assert ec2.describe_flow_logs()["FlowLogs"] == []
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": ids}])["Tags"] == []


def test_default_security_group_can_be_emptied(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.3.0.0/16")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    [group] = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    ec2.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])
    [group] = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert group["IpPermissionsEgress"] == group["IpPermissions"] == []


def test_security_group_rules_are_resources_of_their_own(ec2: Any, network: Network) -> None:
    group = ec2.create_security_group(
        GroupName="efa", Description="EFA", VpcId=network.vpc, TagSpecifications=tags("security-group", a="b")
    )["GroupId"]
    pair: dict[str, Any] = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "Description": "itself"}]}
    made = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[pair], TagSpecifications=tags("security-group-rule", r="1")
    )["SecurityGroupRules"][0]
    rule = made["SecurityGroupRuleId"]
    cidr = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    out = ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[cidr])["SecurityGroupRules"][0]
    [read] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert read["Description"] == "itself"
    assert read["ReferencedGroupInfo"]["GroupId"] == group
    assert read["SecurityGroupRuleArn"].endswith(f":security-group-rule/{rule}")
    assert read["Tags"] == pairs({"r": "1"})
    pair["UserIdGroupPairs"][0]["Description"] = "another word for it"
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[pair])
    changes = {
        rule: {"IpProtocol": "-1", "ReferencedGroupId": group, "Description": "all of itself"},
        out["SecurityGroupRuleId"]: {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "CidrIpv4": "10.1.0.0/16"},
    }
    for identity, change in changes.items():
        ec2.modify_security_group_rules(
            GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": identity, "SecurityGroupRule": change}]
        )
        [read] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[identity])["SecurityGroupRules"]
        read["ReferencedGroupId"] = read.get("ReferencedGroupInfo", {}).get("GroupId")
        assert change.items() <= read.items()
    with refused("InvalidParameterValue", "CidrIpv4"):
        ec2.modify_security_group_rules(
            GroupId=group,
            SecurityGroupRules=[
                {"SecurityGroupRuleId": rule, "SecurityGroupRule": {"IpProtocol": "-1", "CidrIpv4": "10.0.0.0/8"}}
            ],
        )
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [rule]}])["Tags"] == []
    ec2.delete_security_group(GroupId=group)
    with refused("InvalidGroup.NotFound"):
        ec2.describe_security_groups(GroupIds=[group])
