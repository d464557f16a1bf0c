"""What networks are made of: NAT gateways, addresses, endpoints, attachments, VPN, Direct Connect, mirrors."""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

PB = 1_000_000
"""GB in a petabyte as endpoint tiers count it."""
ENDPOINT_TIERS = (Tier("first 1PB", PB), Tier("next 4PB", 4 * PB), Tier("over 5PB", None))


@rate("aws:ec2/natGateway:NatGateway")
def nat_gateway(it: Subject) -> Iterator[Found]:
    service = "aws_nat_gateway"
    yield it.hours("NAT gateway", it.aws(service, "NAT gateway"), what="gateway")
    price = it.aws(service, "Data processed")
    yield from it.used("Data processed", "monthly_data_processed_gb", price, unit="GB")
    crossing = "Cross-AZ data transfer (after consolidation)"
    yield from it.used(crossing, "monthly_inter_az_gb", it.aws(service, crossing), unit="GB", quiet=True)


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
        yield from it.used(
            "Data processed", "monthly_data_processed_gb", it.aws("aws_vpc_endpoint", "Data processed"), unit="GB"
        )
    else:
        yield it.gap(f"Endpoint ({kind})")


@rate("aws:ec2transitgateway/vpcAttachment:VpcAttachment")
def transit_attachment(it: Subject) -> Iterator[Found]:
    service, item = "aws_ec2_transit_gateway_vpc_attachment", "Transit gateway attachment"
    yield it.hours(item, it.aws(service, item), what="attachment")
    yield from it.used("Data processed", "monthly_data_processed_gb", it.aws(service, "Data processed"), unit="GB")


@rate("aws:ec2transitgateway/transitGateway:TransitGateway")
def transit_gateway(it: Subject) -> Iterator[Found]:
    """Its attachments pay by the hour; data is usage of the attachments too: give it in one place."""
    price = it.aws("aws_ec2_transit_gateway_vpc_attachment", "Data processed")
    yield from it.used("Data processed", "monthly_data_processed_gb", price, unit="GB", quiet=True)


@rate("aws:ec2clientvpn/endpoint:Endpoint")
def client_vpn(it: Subject) -> Iterator[Found]:
    """One connection all month."""
    yield it.hours("Connection", it.aws("aws_ec2_client_vpn_endpoint", "Connection"), what="connection")


@rate("aws:ec2clientvpn/networkAssociation:NetworkAssociation")
def client_vpn_association(it: Subject) -> Iterator[Found]:
    service, item = "aws_ec2_client_vpn_network_association", "Endpoint association"
    yield it.hours(item, it.aws(service, item), what="subnet")


@rate("aws:directconnect/gatewayAssociation:GatewayAssociation")
def direct_connect_association(it: Subject) -> Iterator[Found]:
    """An association with a transit gateway; one with a virtual private gateway is free."""
    service = "aws_dx_gateway_association"
    transit = it.referred("associatedGatewayId", "aws:ec2transitgateway/transitGateway:TransitGateway")
    if transit is None and it.referred("associatedGatewayId", "aws:ec2/vpnGateway:VpnGateway"):
        return
    at = it.placed(it.book.region(transit)) if transit else it
    item = "Transit gateway attachment"
    yield at.hours(item, at.aws(service, item), what="attachment")
    yield from at.used("Data processed", "monthly_data_processed_gb", at.aws(service, "Data processed"), unit="GB")


@rate("aws:ec2transitgateway/peeringAttachment:PeeringAttachment")
def transit_peering(it: Subject) -> Iterator[Found]:
    item = "Transit gateway attachment"
    yield it.hours(item, it.aws("aws_ec2_transit_gateway_peering_attachment", item), what="attachment")


@rate("aws:ec2/vpnConnection:VpnConnection")
def vpn_connection(it: Subject) -> Iterator[Found]:
    """A connection to a transit gateway pays its attachment and data too."""
    service = "aws_vpn_connection"
    yield it.hours("VPN connection", it.aws(service, "VPN connection"), what="connection")
    it.usage.given("monthly_data_processed_gb")
    if it.has("transitGatewayId"):
        item = "Transit gateway attachment"
        yield it.hours(item, it.aws(service, item), what="attachment")
        yield from it.used("Data processed", "monthly_data_processed_gb", it.aws(service, "Data processed"), unit="GB")


@rate("aws:directconnect/connection:Connection")
def direct_connect(it: Subject) -> Iterator[Found]:
    """Ports of 1 Gbit/s, dedicated, are what the catalog has; data out by region and location."""
    service, location = "aws_dx_connection", it.text("location")
    kind = it.usage.text("dx_connection_type", "dedicated").lower()
    private = it.usage.text("dx_virtual_interface_type", "private").lower() == "private"
    known = it.text("bandwidth") == "1Gbps" and kind == "dedicated"
    yield it.hours("DX connection", it.aws(service, "DX connection") if known else None, what="port")
    key = "monthly_outbound_from_region_to_dx_connection_location"
    by_region = it.usage.raw(key)
    one = "monthly_outbound_region_to_dx_location_gb"
    if isinstance(by_region, dict):
        for region in sorted(by_region):
            yield from _data_out(it, region.replace("_", "-"), f"{key}.{region}", location, private)
        it.usage.raw(one)
    else:
        yield from _data_out(it, it.region or "", one, location, private)


def _data_out(it: Subject, region: str, key: str, location: str, private: bool) -> Iterator[Found]:
    item = f"Outbound data transfer (from {region}, to {location})"
    price = it.aws("aws_dx_connection", item) if private else None
    yield from it.used(item, key, price, unit="GB")


@rate("aws:ec2/trafficMirrorSession:TrafficMirrorSession")
def traffic_mirror(it: Subject) -> Iterator[Found]:
    yield it.hours("Traffic mirror", it.aws("aws_ec2_traffic_mirror_session", "Traffic mirror"), what="session")


@rate("aws:globalaccelerator/accelerator:Accelerator")
def global_accelerator(it: Subject) -> Iterator[Found]:
    """A global service: its price stands under us-east-1. Traffic is usage of endpoint groups too: give it once."""
    service, premium = "aws_globalaccelerator_accelerator", "Data transfer premium"
    yield it.hours("Fixed fee", it.globally(service, "Fixed fee"), what="accelerator")
    yield from it.used(premium, "monthly_data_transfer_gb", it.globally(service, premium), unit="GB", quiet=True)


@rate("aws:networkfirewall/firewall:Firewall")
def network_firewall(it: Subject) -> Iterator[Found]:
    """One endpoint in each subnet."""
    service, item = "aws_networkfirewall_firewall", "Network Firewall Endpoint"
    zones = it.count("subnetMappings") or 1
    yield it.hours(item, it.aws(service, item), zones, what="endpoints")
    yield from it.used("Data Processed", "monthly_data_processed_gb", it.aws(service, "Data Processed"), unit="GB")
