"""Accelerator nodes: the driver, the plugin that offers the devices, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .facts import tpu
from .machines import (
    NODE_GROUP,
    SCALING_GROUP,
    accelerated,
    accelerated_groups,
    accelerators,
    efa_interfaces,
    facts_of,
    most,
    templates,
    uses,
)
from .model import Parameters, Resource, Stack, Violation, relation_rule, resource_rule, stack_rule

NODE_POOL = "gcp:container/nodePool:NodePool"
DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
RELEASE = "kubernetes:helm.sh/v3:Release"
ADDON = "aws:eks/addon:Addon"
POOL = "kubernetes:karpenter.sh/v1:NodePool"


@relation_rule(
    id="gpu-nodegroup-ami-type",
    title="Accelerator nodes start from an image with their driver",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP],
    fix="set amiType to AL2023_x86_64_NVIDIA, AL2023_ARM_64_NVIDIA, AL2023_x86_64_NEURON or a Bottlerocket equivalent.",
    references=["AWS EKS best practices"],
)
def ami_type(group: Resource, _stack: Stack, _: Parameters) -> Iterator[Violation]:
    """A node without the driver joins the cluster and offers no accelerator."""
    words = {"nvidia": "NVIDIA", "aws": "NEURON"}
    for kind, known in facts_of(group):
        word = words.get(known["vendor"] or "")
        if not word:
            continue
        image = str(group.get("amiType", ""))
        if not image and any(template.has("imageId") for template in templates(group)):
            continue
        bottlerocket_neuron = word == "NEURON" and image.startswith("BOTTLEROCKET")
        if image != "CUSTOM" and word not in image and "GPU" not in image and not bottlerocket_neuron:
            yield Violation(f"amiType {image or '(default)'} has no driver for {kind}.")


PLUGINS = {
    "nvidia": ("nvidia-device-plugin", "gpu-operator", "nvidia-dra-driver"),
    "aws": ("neuron-device-plugin", "neuron-helm-chart", "neuron"),
    "efa": ("efa-device-plugin", "aws-efa-k8s-device-plugin", "dranet"),
}


@relation_rule(
    id="gpu-device-plugin-present",
    title="The cluster offers what its nodes have",
    severity="high",
    level="advisory",
    types=[NODE_GROUP],
    fix="add the device plugin (or DRA driver) as a DaemonSet, Helm release or add-on.",
    references=["AWS EKS best practices", "AWS EKS user guide: EFA"],
    parameters={"plugins": PLUGINS},
)
def device_plugin_present(group: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Without the plugin a node has devices and no pod ever gets one. Bottlerocket brings NVIDIA's along."""
    wanted = {
        str(known["vendor"])
        for _, known in facts_of(group)
        if known["accelerators"] and known["vendor"] in given["plugins"]
    }
    if str(group.get("amiType", "")).startswith("BOTTLEROCKET"):
        wanted.discard("nvidia")
    if any(efa_interfaces(template) for template in templates(group)):
        wanted.add("efa")
    present = " ".join(map(str, _installed(stack))) if wanted else ""
    for vendor in sorted(wanted):
        if not any(name in present for name in given["plugins"][vendor]):
            yield Violation(f"no device plugin for {vendor} is in the stack.", check=vendor)


def _installed(stack: Stack) -> Iterator[Any]:
    yield from (entry.get("metadata.name", entry.name) for entry in stack.of(DAEMON_SET))
    yield from (entry.get("chart", entry.name) for entry in stack.of(RELEASE))
    yield from (entry.get("addonName", entry.name) for entry in stack.of(ADDON))


@resource_rule(
    id="karpenter-nodepool-limits",
    title="Pools that grow by themselves have a limit",
    severity="high",
    level="mandatory",
    types=[POOL],
    fix="set spec.limits for cpu and each accelerator, and spec.disruption.budgets.",
    references=["AWS EKS best practices"],
    parameters={"maxima": {}},
)
def nodepool_limits(pool: Resource, given: Parameters) -> Iterator[Violation]:
    """One job that asks for too much buys machines until the quota of the account is spent."""
    limits = pool.get("spec.limits", {})
    if "cpu" not in limits:
        yield Violation("spec.limits has no cpu.", check="cpu")
    if not any("/" in str(key) for key in limits) and _wants_accelerators(pool):
        yield Violation("spec.limits has no accelerator.", check="accelerator")
    for key, largest in given["maxima"].items():
        value = pool.view("spec.limits").inputs.get(key)
        if value is not None and float(value) > float(largest):
            yield Violation(f"spec.limits allows {value} {key}, more than {largest}.", check="maximum")
    if not pool.all("spec.disruption.budgets"):
        yield Violation("spec.disruption.budgets is not set.", check="disruption")


def _wants_accelerators(pool: Resource) -> bool:
    for need in pool.views("spec.template.spec.requirements"):
        key, values = str(need.get("key", "")), [str(value) for value in need.known("values")]
        if "instance-gpu" in key or "instance-accelerator" in key or any(accelerators(kind) for kind in values):
            return True
        if key.endswith("instance-family") and any(value.startswith(("p", "g", "trn", "inf")) for value in values):
            return True
    return any(
        "nvidia" in str(t.get("key")) or "neuron" in str(t.get("key")) for t in pool.views("spec.template.spec.taints")
    )


@stack_rule(
    id="accelerator-count-cap",
    title="The stack has no more accelerators than agreed",
    severity="high",
    level="mandatory",
    types=[NODE_GROUP, SCALING_GROUP, NODE_POOL],
    fix="lower the maximum sizes, or agree on more and raise the parameter max-accelerators.",
    parameters={"max-accelerators": 1024},
)
def count_cap(stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A zero too many in a stack file is a million dollars a month."""
    groups = accelerated_groups(stack)
    total = sum(most(group) * max(map(accelerators, uses(group)), default=0) for group in groups)
    pools = [pool for pool in stack.of(NODE_POOL) if _of_node(pool)]
    total += sum(_nodes(pool) * _of_node(pool) for pool in pools)
    if total > given["max-accelerators"]:
        message = f"the groups may have {total:g} accelerators, more than {given['max-accelerators']:g}."
        yield Violation(message, resource=[*groups, *pools][0])


def _of_node(pool: Resource) -> float:
    """GPUs or TPU chips of one machine of a GKE pool."""
    machine = tpu(pool.get("nodeConfig.machineType"))
    gpus = sum(entry.number("count", 0) or 0 for entry in pool.views("nodeConfig.guestAccelerators"))
    return machine["chips"] if machine else gpus


def _nodes(pool: Resource) -> float:
    """Machines that a GKE pool may have; sizes of a regional pool are for each of its zones."""
    zones = max(len(pool.all("nodeLocations")), 1)
    whole = pool.number("autoscaling.totalMaxNodeCount")
    return whole or zones * (pool.number("autoscaling.maxNodeCount") or pool.number("nodeCount", 0) or 0)


def _to_zero(group: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if not given["protected"] and accelerated(group) and group.number("scalingConfig.minSize", 0):
        yield "scalingConfig.minSize", 0


@relation_rule(
    id="gpu-scale-to-zero-nonprod",
    title="Accelerators outside production can be switched off",
    severity="medium",
    level="advisory",
    types=[NODE_GROUP],
    fix="set scalingConfig.minSize to 0.",
    parameters={"protected": True},
    remedy=_to_zero,
)
def scale_to_zero(group: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A test cluster that nobody switches off costs as much as production."""
    if not given["protected"] and accelerated(group) and group.number("scalingConfig.minSize", 0):
        yield Violation("scalingConfig.minSize is not 0.")
