"""Elastic IP addresses and NAT gateways."""

from __future__ import annotations

from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Record, Resource, first
from sandbox.providers.aws.types.describe import find


def _public_dns(live: Any, r: Resource) -> str | None:
    address = live.get("PublicIp")
    zone = "compute-1" if r.region == "us-east-1" else f"{r.region}.compute"
    return f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com" if address else None


EIP = Record(
    type="aws:ec2/eip:Eip",
    service="ec2",
    create=lambda api, r: api(
        "allocate_address",
        Domain=r["domain"] or "vpc",
        NetworkBorderGroup=r["networkBorderGroup"],
        PublicIpv4Pool=r["publicIpv4Pool"],
        **r.tags_argument,
    )["AllocationId"],
    read=lambda api, r: first(api("describe_addresses", AllocationIds=[r.id])["Addresses"]),
    delete=lambda api, r: api("release_address", AllocationId=r.id),
    gone=("InvalidAllocationID.NotFound", "InvalidAddress.NotFound"),
    force=("domain", "networkBorderGroup", "publicIpv4Pool"),
    computed=(
        "domain",
        "networkBorderGroup",
        "publicIpv4Pool",
    ),
    outputs={
        "allocationId": "AllocationId",
        "arn": lambda _, r: r.arn("ec2", f"elastic-ip/{r.id}"),
        "domain": "Domain",
        "publicIp": "PublicIp",
        "publicDns": _public_dns,
        "privateIp": "PrivateIpAddress",
        "associationId": "AssociationId",
        "networkBorderGroup": lambda live, r: live.get("NetworkBorderGroup") or r["networkBorderGroup"],
        "publicIpv4Pool": lambda live, r: live.get("PublicIpv4Pool") or r["publicIpv4Pool"],
    },
    tagging=tags.ec2("elastic-ip"),
    listing=lambda api: find(api, "describe_addresses", "Addresses", key="AllocationId"),
)


def _read_nat(api: Api, r: Resource) -> Any:
    found = first(api("describe_nat_gateways", NatGatewayIds=[r.id])["NatGateways"])
    return found if found and found.get("State") != "deleted" else None


NAT_GATEWAY = Record(
    type="aws:ec2/natGateway:NatGateway",
    service="ec2",
    create=lambda api, r: api(
        "create_nat_gateway",
        SubnetId=r["subnetId"],
        AllocationId=r["allocationId"],
        ConnectivityType=r["connectivityType"],
        PrivateIpAddress=r["privateIp"],
        **r.tags_argument,
    )["NatGateway"]["NatGatewayId"],
    read=_read_nat,
    delete=lambda api, r: api("delete_nat_gateway", NatGatewayId=r.id),
    gone=("NatGatewayNotFound", "InvalidNatGatewayID.NotFound"),
    required=("subnetId",),
    force=("subnetId", "allocationId", "connectivityType", "privateIp"),
    computed=("privateIp",),
    outputs={
        "subnetId": "SubnetId",
        "connectivityType": "ConnectivityType",
        "allocationId": "NatGatewayAddresses.0.AllocationId",
        "associationId": "NatGatewayAddresses.0.AssociationId",
        "networkInterfaceId": "NatGatewayAddresses.0.NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses.0.PrivateIp",
        "publicIp": "NatGatewayAddresses.0.PublicIp",
    },
    defaults={"connectivityType": "public"},
    status=lambda live: live.get("State"),
    pending=("pending", "deleting"),
    failed=("failed",),
    tagging=tags.ec2("natgateway"),
    listing=lambda api: find(
        api, "describe_nat_gateways", "NatGateways", key="NatGatewayId", own=lambda nat: nat.get("State") != "deleted"
    ),
)


RECORDS = (EIP, NAT_GATEWAY)
