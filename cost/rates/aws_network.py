"""What networks are made of: NAT gateways, addresses, endpoints."""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

PB = 1_000_000
"""GB in a petabyte as endpoint tiers count it (infracost: first 1PB = 1,000,000 GB)."""
ENDPOINT_TIERS = (Tier("first 1PB", PB), Tier("next 4PB", 4 * PB), Tier("over 5PB", None))


@rate("aws:ec2/natGateway:NatGateway")
def nat_gateway(it: Subject) -> Iterator[Found]:
    yield it.hours("NAT gateway", it.aws("aws_nat_gateway", "NAT gateway"), what="gateway")
    yield from it.used(
        "Data processed", "monthly_data_processed_gb", it.aws("aws_nat_gateway", "Data processed"), unit="GB"
    )


@rate("aws:ec2/eip:Eip")
def address(it: Subject) -> Iterator[Found]:
    """Every public IPv4 address costs by the hour, in use or not, since 2024-02-01 (aws.amazon.com/vpc/pricing)."""
    if it.has("publicIpv4Pool") and it.text("publicIpv4Pool") != "amazon":
        return  # addresses that were brought along are free
    yield it.hours("Public IPv4 address", it.aws("aws_eip", "Public IPv4 address-hour"), what="address")


@rate("aws:ec2/vpcEndpoint:VpcEndpoint")
def vpc_endpoint(it: Subject) -> Iterator[Found]:
    kind = it.text("vpcEndpointType", "Gateway")
    if kind == "Gateway":
        return
    zones = it.count("subnetIds") or len(it.entries("subnetConfigurations")) or 1
    if kind == "Interface":
        item = "Endpoint (Interface)"
        yield it.hours(item, it.aws("aws_vpc_endpoint", item), zones, what="subnets")
        yield from tiered(it, "Data processed", "monthly_data_processed_gb", "aws_vpc_endpoint", ENDPOINT_TIERS)
    elif kind == "GatewayLoadBalancer":
        item = "Endpoint (GatewayLoadBalancer)"
        yield it.hours(item, it.aws("aws_vpc_endpoint", item), zones, what="subnets")
        yield from it.used("Data processed", "monthly_data_processed_gb", it.aws("aws_vpc_endpoint", "Data processed"))
    else:
        yield it.gap(f"Endpoint ({kind})")
