"""Money that could be saved, each hint with the saving where it can be put in figures.

A hint is a suggestion about what is in the plan, not a finding: whether it fits, the reader knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

from catalog import lustre, prices
from cost.model import WIDE, Estimate, Hint, Machines
from cost.usage import Usage
from plan import UNKNOWN, Plan, Resource

CENT = Decimal("0.01")
STORED = "storage_used_gb"
"""Usage key of file systems: what is stored in them."""
FILE_SYSTEMS = (
    "aws:fsx/lustreFileSystem:LustreFileSystem",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
    "aws:fsx/windowsFileSystem:WindowsFileSystem",
    "aws:fsx/ontapFileSystem:OntapFileSystem",
)
LUSTRE_DEFAULTS = (("deploymentType", "SCRATCH_1"), ("storageType", "SSD"))
SUBNET = "aws:ec2/subnet:Subnet"
USERS_OF_ADDRESSES = (
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/eipAssociation:EipAssociation",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:networkfirewall/firewall:Firewall",
)


ROOM = Decimal("1.25")
"""A file system should have a quarter more than is stored in it."""
SPREAD = "monthly_inter_az_gb"
"""Usage key of node groups: traffic between zones, counted once."""
GIB_IN_TB = 1000


def find(plan: Plan, estimate: Estimate, usage: Usage | None = None) -> Iterator[Hint]:
    """Every hint about a plan, the largest saving first."""
    found = [
        *_gateway_endpoint(plan, estimate),
        *_old_volumes(estimate),
        *_blocks(estimate),
        *_addresses(plan, estimate),
        *_unused_google_addresses(estimate),
        *_spread_pools(plan, estimate, usage or Usage()),
        *_file_systems(plan, estimate, usage or Usage()),
    ]
    yield from sorted(found, key=lambda hint: -(hint.monthly_usd or Decimal(0)))


def _gateway_endpoint(plan: Plan, estimate: Estimate) -> Iterator[Hint]:
    """Traffic to S3 through a NAT gateway costs by the GB; through a gateway endpoint of its own network nothing."""
    ids = {resource.id: resource for resource in plan if resource.id}
    served = [
        _target(plan, endpoint, "vpcId", ids)
        for endpoint in plan.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if str(endpoint.inputs.get("serviceName")).endswith(".s3")
        and endpoint.inputs.get("vpcEndpointType", "Gateway") == "Gateway"
    ]
    gateways = [
        gateway
        for gateway in plan.of_type("aws:ec2/natGateway:NatGateway")
        if not gateway.external and not _served(_network(plan, gateway, ids), served)
    ]
    if gateways:
        names = {gateway.name for gateway in gateways}
        paid = [line for line in estimate.lines if line.resource in names and line.item == "Data processed"]
        amount = sum((line.monthly_usd.base for line in paid), Decimal(0))
        message = (
            "no S3 gateway endpoint: what goes to S3 pays the NAT gateway, at most all of its data; an endpoint is free"
        )
        yield Hint(gateways[0].name, "nat-without-s3-endpoint", message, amount or None)


def _served(network: str | None, served: Sequence[str | None]) -> bool:
    """Whether an endpoint is in a network; one of which that is not known counts as there."""
    return any(None in (network, other) or network == other for other in served)


def _network(plan: Plan, gateway: Resource, ids: Mapping[str, Resource]) -> str | None:
    """The network of a NAT gateway: that of its subnet."""
    subnet = plan.by_urn.get(_target(plan, gateway, "subnetId", ids) or "")
    return _target(plan, subnet, "vpcId", ids) if subnet else None


def _target(plan: Plan, resource: Resource, path: str, ids: Mapping[str, Resource]) -> str | None:
    """What an input refers to: a URN where the plan holds it, else the literal id; None when it is unknown."""
    if referred := plan.referred(resource, path):
        return referred[0].urn
    value = resource.inputs.get(path)
    if not isinstance(value, str):
        return None
    return ids[value].urn if value in ids else value


def _old_volumes(estimate: Estimate) -> Iterator[Hint]:
    for line in estimate.lines:
        if "gp2)" not in line.item or not line.region or not line.type.startswith(("aws:e", "aws:autoscaling")):
            continue
        newer = prices.service("aws_ebs_volume", "Storage (general purpose SSD, gp3)", line.region)
        if newer is not None and newer.usd < line.unit_price:
            saved = (line.unit_price - newer.usd) * line.quantity.base
            yield Hint(
                line.resource,
                "gp2",
                "gp2 volumes: gp3 costs less a GB; above 1,000 GB it needs paid IOPS to be as fast",
                saved.quantize(CENT, context=WIDE),
            )


def _blocks(estimate: Estimate) -> Iterator[Hint]:
    for entry in estimate.machines:
        saved = _block_saving(entry)
        if saved is not None and saved > 0:
            message = f"{entry.instance_type} on demand: a Capacity Block costs less for a planned run"
            yield Hint(entry.resource, "block-cheaper", message, saved.quantize(CENT, context=WIDE))


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
        if address.urn not in used and not attached and address.id is None and not address.external:
            yield Hint(address.name, "idle-address", "nothing in the plan uses this address", costs.get(address.urn))


def _unused_google_addresses(estimate: Estimate) -> Iterator[Hint]:
    for line in estimate.lines:
        if line.type.startswith("gcp:compute/") and line.item == "IP address (unused)":
            message = "nothing in the plan uses this address"
            yield Hint(line.resource, "idle-address", message, line.monthly_usd.base.quantize(CENT, context=WIDE))


def _spread_pools(plan: Plan, estimate: Estimate, usage: Usage) -> Iterator[Hint]:
    """Traffic between zones costs both ways; nodes that train together belong in one."""
    accelerated = {pool.resource: pool.region for pool in estimate.power.pools if pool.accelerators}
    for group in plan.of_type("aws:eks/nodeGroup:NodeGroup"):
        subnets = group.inputs.get("subnetIds")
        if group.name not in accelerated or not isinstance(subnets, list) or len(subnets) < 2:
            continue
        zones = _zones(plan, group, len(subnets))
        if zones is not None and len(zones) < 2:
            continue
        places = f"{len(subnets)} subnets" if zones is None else f"{len(zones)} zones"
        price = prices.service("aws_data_transfer", "Intra-region data transfer", accelerated[group.name] or "")
        sent, saved = usage.of(group).given(SPREAD), None
        message = f"its nodes spread over {places}: traffic between zones is charged both ways"
        if price and sent:
            saved = (sent.base * price.usd * 2).quantize(CENT, context=WIDE)
        elif price:
            message += f", {price.usd * 2 * GIB_IN_TB:.0f} USD a TB (give {SPREAD} in a usage file)"
        yield Hint(group.name, "cross-zone-pool", message, saved)


def _zones(plan: Plan, group: Resource, count: int) -> set[str] | None:
    """The zones of a group's subnets; None unless every one is known."""
    subnets = list(plan.referred(group, "subnetIds"))
    subnets += [other for other in plan.of_type(SUBNET) if other.id and other.id in group.inputs["subnetIds"]]
    zones = [subnet.inputs.get("availabilityZone") for subnet in {entry.urn: entry for entry in subnets}.values()]
    known = {zone for zone in zones if isinstance(zone, str)}
    return known if len(zones) == count and all(isinstance(zone, str) for zone in zones) else None


def _file_systems(plan: Plan, estimate: Estimate, usage: Usage) -> Iterator[Hint]:
    """Capacity is paid for whether it is full or not."""
    for system in plan.of_type("aws:fsx/lustreFileSystem:LustreFileSystem"):
        if system.external:
            continue
        compression = system.inputs.get("dataCompressionType")
        if compression is not UNKNOWN and compression in (None, "NONE"):
            message = "data compression is off: LZ4 costs nothing and often needs a third less capacity"
            yield Hint(system.name, "lustre-compression", message, None)
    lines = {line.urn: line for line in estimate.lines if line.type.startswith("aws:fsx/") and "storage" in line.item}
    for system in plan.of_type(*FILE_SYSTEMS):
        line, stored = lines.get(system.urn), usage.of(system).given(STORED)
        if line is None or stored is None:
            continue
        size = line.quantity.base
        enough = _smallest(system, stored.base * ROOM)
        if enough is not None and enough < size:
            message = f"{stored.base:f} GiB are stored in {size.normalize():f} GiB: {enough:f} GiB would do"
            yield Hint(
                system.name,
                "oversized-file-system",
                message,
                ((size - enough) * line.unit_price).quantize(CENT, context=WIDE),
            )


def _smallest(system: Resource, needed: Decimal) -> Decimal | None:
    """The smallest size of the kind that holds so much; None: the sizes of its tier are not known."""
    if system.type != FILE_SYSTEMS[0]:
        return needed.to_integral_value(ROUND_CEILING)
    speed = system.inputs.get("perUnitStorageThroughput")
    kind, media = (str(system.inputs.get(key) or default) for key, default in LUSTRE_DEFAULTS)
    found = lustre.tier(
        kind, media, int(speed) if isinstance(speed, (int, float, str)) and str(speed).isdigit() else None
    )
    if found is None:
        return None
    return next((Decimal(size) for size in found.capacities() if size >= needed), None)
