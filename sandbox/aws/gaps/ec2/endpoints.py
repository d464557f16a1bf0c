"""EC2 VPC endpoints: what moto loses, and the routes and interfaces that changes should move."""

from __future__ import annotations

from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends, serves
from sandbox.aws.gaps.ec2 import Record, drop_tags
from sandbox.aws.wire import ApiError


@amends("ec2", "CreateVpcEndpoint")
def create(call: Call) -> Record:
    given, ec2 = call.params, call.backend("ec2")
    _check_service(call, given["ServiceName"])
    answer = call.native()["VpcEndpoint"]
    endpoint = ec2.vpc_end_points[answer["VpcEndpointId"]]
    endpoint.vpc_endpoint_id = endpoint.id  # the filter vpc-endpoint-id looks for it
    endpoint.vpc_endpoint_type = given.get("VpcEndpointType") or "Gateway"
    endpoint.ip_address_type = given.get("IpAddressType") or "ipv4"
    endpoint.requester_managed = False
    if endpoint.vpc_endpoint_type == "Gateway":
        endpoint.private_dns_enabled = False
    else:
        endpoint.private_dns_enabled = given.get("PrivateDnsEnabled", True)
        _options(endpoint, given)
    shown = {
        "VpcEndpointType": endpoint.vpc_endpoint_type,
        "IpAddressType": endpoint.ip_address_type,
        "DnsOptions": getattr(endpoint, "dns_options", None),
        "PrivateDnsEnabled": endpoint.private_dns_enabled,
        "RequesterManaged": False,
    }
    return {"VpcEndpoint": {**answer, **shown}}


@serves("ec2", "ModifyVpcEndpoint")
def modify(call: Call) -> Record:
    given = call.params
    endpoint = call.backend("ec2").vpc_end_points.get(given["VpcEndpointId"])
    if endpoint is None:
        raise ApiError(
            "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{given['VpcEndpointId']}' does not exist"
        )
    if given.get("PolicyDocument") or given.get("ResetPolicy"):
        endpoint.policy_document = given.get("PolicyDocument")
    _move_routes(call, endpoint)
    _move_interfaces(call, endpoint)
    for member, owned in (
        ("RouteTableIds", endpoint.route_table_ids),
        ("SubnetIds", endpoint.subnet_ids),
        ("SecurityGroupIds", endpoint.security_group_ids),
    ):
        gone = given.get(f"Remove{member}") or []
        owned[:] = [entry for entry in owned if entry not in gone]
        owned.extend(entry for entry in given.get(f"Add{member}") or [] if entry not in owned)
    if given.get("PrivateDnsEnabled") is not None:
        endpoint.private_dns_enabled = given["PrivateDnsEnabled"]
    _options(endpoint, given)
    return {"Return": True}


def _move_routes(call: Call, endpoint: Any) -> None:
    ec2, prefixes = call.backend("ec2"), endpoint.destination_prefix_list_id
    for table in call.params.get("RemoveRouteTableIds") or []:
        if table in endpoint.route_table_ids:
            ec2.delete_route(table, prefixes)
    for table in call.params.get("AddRouteTableIds") or []:
        if table not in endpoint.route_table_ids:
            ec2.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefixes)


def _move_interfaces(call: Call, endpoint: Any) -> None:
    ec2, removed = call.backend("ec2"), set(call.params.get("RemoveSubnetIds") or [])
    for subnet in set(call.params.get("AddSubnetIds") or []) - set(endpoint.subnet_ids):
        endpoint.network_interface_ids.append(ec2.create_network_interface(ec2.get_subnet(subnet), None).id)
    for eni in [eni for eni in endpoint.network_interface_ids if ec2.enis[eni].subnet.id in removed]:
        endpoint.network_interface_ids.remove(eni)
        del ec2.enis[eni]


@amends("ec2", "DeleteVpcEndpoints")
def delete(call: Call) -> Record:
    """Unknown ids are reported with HTTP 200, as in AWS; a deleted endpoint is gone at once."""
    ec2, wanted = call.backend("ec2"), call.params.get("VpcEndpointIds") or []
    missing = [identity for identity in wanted if identity not in ec2.vpc_end_points]
    call.native()
    for identity in wanted:
        ec2.vpc_end_points.pop(identity, None)
        drop_tags(call, identity)
    code = "InvalidVpcEndpointId.NotFound"
    return {
        "Unsuccessful": [
            {
                "ResourceId": identity,
                "Error": {"Code": code, "Message": f"The Vpc Endpoint Id '{identity}' does not exist"},
            }
            for identity in missing
        ]
    }


def _options(endpoint: Any, given: Record) -> None:
    if given.get("DnsOptions"):
        endpoint.dns_options = {**getattr(endpoint, "dns_options", {}), **given["DnsOptions"]}
    elif not hasattr(endpoint, "dns_options"):
        endpoint.dns_options = {"DnsRecordIpType": "ipv4"}
    if given.get("IpAddressType"):
        endpoint.ip_address_type = given["IpAddressType"]


def _check_service(call: Call, name: str) -> None:
    ec2 = call.backend("ec2")
    names = {entry["ServiceName"] for entry in ec2._collect_default_endpoint_services(call.account, call.region)}  # noqa: SLF001
    if name not in names | {entry.name for entry in ec2.configurations.values()}:
        raise ApiError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
