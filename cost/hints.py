"""Money that could be saved, each hint with the saving where it can be put in figures.

A hint is a suggestion about what is in the plan, not a finding: whether it fits, the reader knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from catalog import prices
from cost.model import Estimate, Hint, Machines
from plan import UNKNOWN, Plan

CENT = Decimal("0.01")
USERS_OF_ADDRESSES = (
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/eipAssociation:EipAssociation",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:networkfirewall/firewall:Firewall",
)


def find(plan: Plan, estimate: Estimate) -> Iterator[Hint]:
    """Every hint about a plan, the largest saving first."""
    found = [
        *_gateway_endpoint(plan, estimate),
        *_old_volumes(estimate),
        *_blocks(estimate),
        *_addresses(plan, estimate),
        *_spread_pools(plan, estimate),
        *_file_systems(plan),
    ]
    yield from sorted(found, key=lambda hint: -(hint.monthly_usd or Decimal(0)))


def _gateway_endpoint(plan: Plan, estimate: Estimate) -> Iterator[Hint]:
    """Traffic to S3 through a NAT gateway costs by the GB; through a gateway endpoint nothing."""
    gateways = plan.of_type("aws:ec2/natGateway:NatGateway")
    endpoints = plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    served = any(
        str(endpoint.inputs.get("serviceName")).endswith(".s3")
        and endpoint.inputs.get("vpcEndpointType", "Gateway") == "Gateway"
        for endpoint in endpoints
    )
    if gateways and not served:
        names = {gateway.name for gateway in gateways}
        paid = [line for line in estimate.lines if line.resource in names and line.item == "Data processed"]
        amount = sum((line.monthly_usd.base for line in paid), Decimal(0))
        message = "no S3 gateway endpoint: traffic to S3 is charged by the NAT gateway; an endpoint is free"
        yield Hint(gateways[0].name, "nat-without-s3-endpoint", message, amount or None)


def _old_volumes(estimate: Estimate) -> Iterator[Hint]:
    for line in estimate.lines:
        if "gp2)" not in line.item or not line.region or not line.type.startswith(("aws:e", "aws:autoscaling")):
            continue
        newer = prices.service("aws_ebs_volume", "Storage (general purpose SSD, gp3)", line.region)
        if newer is not None and newer.usd < line.unit_price:
            saved = (line.unit_price - newer.usd) * line.quantity.base
            yield Hint(line.resource, "gp2", "gp2 volumes: gp3 costs less a GB and is not slower", saved.quantize(CENT))


def _blocks(estimate: Estimate) -> Iterator[Hint]:
    for entry in estimate.machines:
        saved = _block_saving(entry)
        if saved is not None and saved > 0:
            message = f"{entry.instance_type} on demand: a Capacity Block costs less for a planned run"
            yield Hint(entry.resource, "block-cheaper", message, saved.quantize(CENT))


def _block_saving(entry: Machines) -> Decimal | None:
    if entry.purchase != "on-demand" or entry.provider != "aws" or entry.region is None:
        return None
    full, block = (price(entry.instance_type, entry.region) for price in (prices.on_demand, prices.capacity_block))
    return (full.usd - block.usd) * entry.count * entry.hours if full and block else None


def _addresses(plan: Plan, estimate: Estimate) -> Iterator[Hint]:
    used = {
        urn
        for resource in plan.of_type(*USERS_OF_ADDRESSES)
        for listed in resource.property_dependencies.values()
        for urn in listed
    }
    costs = {line.urn: line.monthly_usd.base for line in estimate.lines}
    for address in plan.of_type("aws:ec2/eip:Eip"):
        attached = address.inputs.get("instance") is not None or address.inputs.get("networkInterface") is not None
        if address.urn not in used and not attached and address.id is None:
            yield Hint(address.name, "idle-address", "nothing in the plan uses this address", costs.get(address.urn))


def _spread_pools(plan: Plan, estimate: Estimate) -> Iterator[Hint]:
    """Traffic between zones costs both ways; nodes that train together belong in one."""
    accelerated = {pool.resource for pool in estimate.power.pools if pool.accelerators}
    for group in plan.of_type("aws:eks/nodeGroup:NodeGroup"):
        subnets = group.inputs.get("subnetIds")
        if group.name in accelerated and isinstance(subnets, list) and len(subnets) > 1:
            message = f"its nodes spread over {len(subnets)} subnets: traffic between zones is charged both ways"
            yield Hint(group.name, "cross-zone-pool", message, None)


def _file_systems(plan: Plan) -> Iterator[Hint]:
    """Capacity is paid for whether it is full or not."""
    for system in plan.of_type("aws:fsx/lustreFileSystem:LustreFileSystem"):
        compression = system.inputs.get("dataCompressionType")
        if compression is not UNKNOWN and compression in (None, "NONE"):
            message = "data compression is off: LZ4 costs nothing and often needs a third less capacity"
            yield Hint(system.name, "lustre-compression", message, None)
