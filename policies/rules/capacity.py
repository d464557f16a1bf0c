"""Accelerator capacity: how it is bought, and whether the node group can use what was bought."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import machine
from .model import Parameters, Resource, Stack, Violation, resource_rule, stack_rule

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
BLOCK = "capacity-block"
TAINTS = ("nvidia.com/gpu", "aws.amazon.com/neuron")


@stack_rule(
    id="capacity-block-launch-template",
    title="A capacity block's node group names its block",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="give the launch template marketType capacity-block, the reservation id and the instance type; one subnet.",
)
def capacity_block_launch_template(stack: Stack, _: Parameters) -> Iterator[Violation]:
    """EKS refuses the group when anything is missing, after the block has been paid for."""
    for group in stack.of(NODE_GROUP):
        if group.get("capacityType") != "CAPACITY_BLOCK":
            continue
        if len(group.all("subnetIds")) != 1:
            yield Violation("it has more than one subnet; a block lies in one zone.", check="subnet", resource=group)
        if group.all("instanceTypes"):
            yield Violation("instanceTypes belongs in the launch template.", check="instance-types", resource=group)
        templates = [found for found in group.refers.get("launchTemplate", ()) if found.type == TEMPLATE]
        if not templates:
            yield Violation("it has no launch template.", check="template", resource=group)
        for template in templates:
            yield from (
                Violation(f"its launch template {template.name} has no {path}.", check=path, resource=group)
                for path, ok in (
                    ("instanceMarketOptions.marketType", template.get("instanceMarketOptions.marketType") == BLOCK),
                    (RESERVATION, template.has(RESERVATION)),
                    ("instanceType", template.has("instanceType")),
                )
                if not ok
            )


RESERVATION = "capacityReservationSpecification.capacityReservationTarget.capacityReservationId"


@resource_rule(
    id="capacity-block-no-placement-group",
    title="A capacity block takes no placement group",
    severity="medium",
    level="advisory",
    types=[TEMPLATE],
    fix="remove placement.groupName and placement.groupId.",
)
def capacity_block_no_placement_group(template: Resource, _: Parameters) -> Iterator[Violation]:
    """The machines of a block already stand together; a placement group can only keep them from starting."""
    if template.get("instanceMarketOptions.marketType") == BLOCK and (
        template.has("placement.groupName") or template.has("placement.groupId")
    ):
        yield Violation("a placement group is named beside marketType capacity-block.")


@resource_rule(
    id="capacity-type-supported",
    title="Machines are bought in a way they are sold",
    severity="high",
    level="mandatory",
    types=[TEMPLATE],
    fix="choose another purchase model or another instance type.",
)
def capacity_type_supported(template: Resource, _: Parameters) -> Iterator[Violation]:
    """EC2 refuses the launch of a type that is not sold as spot or as a capacity block."""
    market, kind = template.get("instanceMarketOptions.marketType"), template.get("instanceType")
    known = machine(kind)
    if known and market == BLOCK and known["capacity_block"] is False:
        yield Violation(f"{kind} is not sold as a capacity block.")
    if known and market == "spot" and known["spot"] is False:
        yield Violation(f"{kind} is not sold as spot.")


@stack_rule(
    id="gpu-nodegroup-taint",
    title="Accelerator nodes keep other pods away",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP],
    fix="add the taint nvidia.com/gpu=present:NO_SCHEDULE, or aws.amazon.com/neuron for Trainium.",
    parameters={"taints": TAINTS},
)
def gpu_nodegroup_taint(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Without a taint any small pod can hold a machine that costs tens of dollars an hour."""
    for group, kind in _groups(stack):
        known = machine(kind)
        keys = {taint.get("key") for taint in group.all("taints") if taint.get("effect") == "NO_SCHEDULE"}
        if known and known["accelerators"] and not keys & set(given["taints"]):
            yield Violation(f"the nodes ({kind}) carry no accelerator taint.", resource=group)


@stack_rule(
    id="gpu-nodegroup-ami-type",
    title="Accelerator nodes start from an image with their driver",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="set amiType to AL2023_x86_64_NVIDIA, AL2023_ARM_64_NVIDIA, AL2023_x86_64_NEURON or a Bottlerocket equivalent.",
)
def gpu_nodegroup_ami_type(stack: Stack, _: Parameters) -> Iterator[Violation]:
    """A node without the driver joins the cluster and offers no accelerator."""
    words = {"nvidia": "NVIDIA", "aws": "NEURON"}
    for group, kind in _groups(stack):
        known, image = machine(kind), str(group.get("amiType", ""))
        word = words.get(known["vendor"] or "") if known else None
        bottlerocket_neuron = word == "NEURON" and image.startswith("BOTTLEROCKET")
        if word and image != "CUSTOM" and word not in image and "GPU" not in image and not bottlerocket_neuron:
            yield Violation(f"amiType {image or '(default)'} has no driver for {kind}.", resource=group)


def _groups(stack: Stack) -> Iterator[tuple[Resource, str]]:
    """Node groups with each instance type that they use."""
    for group in stack.of(NODE_GROUP):
        for template in group.refers.get("launchTemplate", ()):
            if template.type == TEMPLATE and template.get("instanceType"):
                yield group, template.get("instanceType")
        for kind in group.all("instanceTypes"):
            yield group, kind
