"""Machines of EC2: instances, auto-scaling groups, spot requests, dedicated hosts. A template alone costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from cost.rates.machines import Machine, Size, machines, reserved_hours, sized
from cost.registry import rate
from cost.subject import Found, Gap, Subject, number
from plan import Resource

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
CONFIGURATION = "aws:ec2/launchConfiguration:LaunchConfiguration"
ROOT_DEVICES = frozenset({"/dev/xvda", "/dev/sda1", "xvda", "sda1", "/dev/sda"})
MARKETS = {"spot": "spot", "capacity-block": "capacity-block"}


@rate("aws:ec2/instance:Instance")
def instance(it: Subject) -> Iterator[Found]:
    template = it.referred("launchTemplate", TEMPLATE)
    base = from_template(it.other(template)) if template else None
    kind = it.text("instanceType") or (base.instance_type if base else "")
    if not kind:
        yield Gap("Instance usage", "it has no instance type, nor a launch template with one in the plan", "input")
        return
    tenancy = "host" if it.has("hostId") else it.text("tenancy") or (base.tenancy if base else "default")
    market = it.text("instanceMarketOptions.marketType")
    root = it.value("rootBlockDevice") or (base.root if base else None) or {}
    machine = Machine(
        instance_type=kind,
        purchase=MARKETS.get(market) or (base.purchase if base else "on-demand"),
        tenancy=tenancy,
        monitoring=_flag(it, "monitoring", bool(base and base.monitoring)),
        credits=it.text("creditSpecification.cpuCredits") or (base.credits if base else ""),
        ebs_optimized=_flag(it, "ebsOptimized", bool(base and base.ebs_optimized)),
        root=root,
        volumes=_volumes(it, template),
    )
    yield from machines(it, machine)


def _flag(it: Subject, path: str, default: bool) -> bool:
    """What the instance says, be it false, goes before what its launch template says."""
    return it.flag(path) if it.has(path) else default


def _volumes(it: Subject, template: Resource | None) -> list[tuple[str, Mapping[str, Any]]]:
    """Volumes of an instance. One that its launch template describes too, by device name, keeps what is not changed."""
    own = it.entries("ebsBlockDevices")
    mapped = it.other(template).entries("blockDeviceMappings") if template else []
    before = {entry.get("deviceName"): entry["ebs"] for entry in mapped if isinstance(entry.get("ebs"), Mapping)}
    merged = [{**before.pop(entry.get("deviceName"), {}), **entry} for entry in own]
    return [(f"ebs_block_device[{n}]", entry) for n, entry in enumerate([*merged, *before.values()])]


@rate("aws:ec2/spotInstanceRequest:SpotInstanceRequest")
def spot_request(it: Subject) -> Iterator[Found]:
    volumes = [(f"ebs_block_device[{n}]", entry) for n, entry in enumerate(it.entries("ebsBlockDevices"))]
    root = it.value("rootBlockDevice") or {}
    machine = Machine(
        it.text("instanceType"),
        "spot",
        it.text("tenancy", "default"),
        it.flag("monitoring"),
        root=root,
        volumes=volumes,
    )
    yield from machines(it, machine)


@rate("aws:autoscaling/group:Group")
def auto_scaling_group(it: Subject) -> Iterator[Found]:
    size = sized(it, it.value("desiredCapacity"), it.value("minSize"), it.value("maxSize"))
    configuration = it.referred("launchConfiguration", CONFIGURATION)
    if configuration:
        machine = from_configuration(it.other(configuration))
        yield from machines(it, machine, size)
        return
    mixed = it.value("mixedInstancesPolicy")
    if mixed:
        yield from _mixed(it, size)
        return
    template = it.referred("launchTemplate", TEMPLATE)
    if template:
        yield from by_template(it, template, size)
    elif it.resource.inputs.get("launchTemplate") or it.resource.inputs.get("launchConfiguration"):
        yield Gap("Instance usage", "its launch template is not in the plan", "input")


def _mixed(it: Subject, size: Size) -> Iterator[Found]:
    """A mixed policy is priced at its first override; the base on demand, the rest as the distribution says.

    The sizes of the group count units of capacity where the override has a weight, not machines.
    """
    template = it.referred("mixedInstancesPolicy", TEMPLATE)
    path = "mixedInstancesPolicy.launchTemplate.overrides"
    overrides = it.value(path) or []
    first = overrides[0] if isinstance(overrides, list) and overrides else {}
    base = from_template(it.other(template)) if template else Machine("")
    kind = first.get("instanceType") or base.instance_type if isinstance(first, Mapping) else base.instance_type
    if not kind:
        yield Gap("Instance usage", "a mixed policy without an instance type in the plan", "input")
        return
    size = _weighted(size, first, counted=it.usage.given("instances") is not None)
    distribution = it.value("mixedInstancesPolicy.instancesDistribution") or {}
    fixed = min(Decimal(str(distribution.get("onDemandBaseCapacity") or 0)), size.count)
    share = Decimal(str(distribution.get("onDemandPercentageAboveBaseCapacity", 100))) / 100
    on_demand = fixed + (size.count - fixed) * share
    for purchase, count in (("on-demand", on_demand), ("spot", size.count - on_demand)):
        if count:
            machine = with_type(base, kind, purchase)
            yield from machines(it, machine, Size(count, min(size.minimum, count), size.maximum))


def _weighted(size: Size, override: Any, *, counted: bool) -> Size:
    """Machines from units of capacity. Usage that gives a count of machines stands."""
    weight = number(override.get("weightedCapacity") or 1, "weightedCapacity") if isinstance(override, Mapping) else 1
    units = (size.count, size.minimum, size.maximum)
    return size if counted else Size(*((value / weight).to_integral_value(ROUND_CEILING) for value in units))


def by_template(
    it: Subject, template: Resource, size: Size, instance_type: str = "", purchase: str = ""
) -> Iterator[Found]:
    """Machines of a group that a launch template describes."""
    machine = from_template(it.other(template))
    machine = with_type(machine, instance_type or machine.instance_type, purchase or machine.purchase)
    if not machine.instance_type:
        yield Gap("Instance usage", f"launch template {template.name} names no instance type", "input")
        return
    yield from machines(it, machine, size)
    if not machine.volumes and machine.root is None:
        yield Gap(
            "Root volume", f"its size is that of the image; launch template {template.name} does not say", "input"
        )


def with_type(machine: Machine, instance_type: str, purchase: str) -> Machine:
    return replace(machine, instance_type=instance_type, purchase=purchase)


def from_template(it: Subject) -> Machine:
    """What a launch template says of a machine."""
    market = it.text("instanceMarketOptions.marketType")
    devices = [
        (f"block_device_mapping[{n}]", entry["ebs"])
        for n, entry in enumerate(it.entries("blockDeviceMappings"))
        if isinstance(entry.get("ebs"), Mapping)
    ]
    return Machine(
        instance_type=it.text("instanceType"),
        purchase=MARKETS.get(market, "on-demand"),
        tenancy=it.text("placement.tenancy", "default"),
        monitoring=it.flag("monitoring.enabled"),
        credits=it.text("creditSpecification.cpuCredits"),
        ebs_optimized=it.flag("ebsOptimized"),
        volumes=devices,
    )


def from_configuration(it: Subject) -> Machine:
    """What a launch configuration says of a machine. Detailed monitoring is on unless it is switched off."""
    volumes = [(f"ebs_block_device[{n}]", entry) for n, entry in enumerate(it.entries("ebsBlockDevices"))]
    return Machine(
        instance_type=it.text("instanceType"),
        purchase="spot" if it.has("spotPrice") else "on-demand",
        tenancy=it.text("placementTenancy", "default"),
        monitoring=str(it.value("enableMonitoring", True)).lower() == "true",
        credits="",
        ebs_optimized=it.flag("ebsOptimized"),
        root=it.value("rootBlockDevice") or {},
        volumes=volumes,
    )


@rate("aws:ec2/dedicatedHost:DedicatedHost")
def dedicated_host(it: Subject) -> Iterator[Found]:
    family = it.text("instanceFamily") or it.text("instanceType").partition(".")[0]
    if it.usage.text("reserved_instance_term"):
        item = f"EC2 Dedicated Host (reserved, {family})"
        yield from reserved_hours(it, "aws_ec2_host", item, Decimal(1))
        return
    item = f"EC2 Dedicated Host (on-demand, {family})"
    yield it.hours(item, it.aws("aws_ec2_host", item), what="host")


@rate("aws:ec2/capacityReservation:CapacityReservation")
def capacity_reservation(it: Subject) -> Iterator[Found]:
    """Reserved capacity costs as much as running machines, used or not; what runs in it is not charged again."""
    count = it.amount("instanceCount", 1)
    yield from machines(it, Machine(it.text("instanceType")), Size(count, count, count))


@rate("aws:ec2/capacityBlockReservation:CapacityBlockReservation")
def capacity_block(it: Subject) -> Iterator[Found]:
    yield it.gap(
        "Capacity Block", "its fee is in the offering (capacityBlockOfferingId), which is not in the plan", "input"
    )
