"""Accelerator nodes: the driver, the plugin that offers the devices, and how many there may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .facts import machines
from .machines import NODE_GROUP, accelerated, facts_of, has_efa, templates
from .model import (
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)
from .pods import quantity

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
    if any_of(templates(group), has_efa):
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
    limits = pool.entries("spec.limits")

    def present() -> Iterator[Violation]:
        if "cpu" not in limits:
            yield Violation("spec.limits has no cpu.", check="cpu")

    def accelerator() -> Iterator[Violation]:
        if not any("/" in key for key in limits) and _may_hold_accelerators(pool):
            yield Violation("spec.limits has no accelerator.", check="accelerator")

    def maximum(key: str) -> Iterator[Violation]:
        value = limits.get(key)
        if value is not None and float(quantity(value) or 0) > float(given["maxima"][key]):
            yield Violation(f"spec.limits allows {value} {key}, more than {given['maxima'][key]}.", check="maximum")

    def disruption() -> Iterator[Violation]:
        if not pool.all("spec.disruption.budgets"):
            yield Violation("spec.disruption.budgets is not set.", check="disruption")

    yield from independently(present(), accelerator(), each(given["maxima"], maximum), disruption())


def _may_hold_accelerators(pool: Resource) -> bool:
    """Whether Karpenter may start an accelerator machine for a pool: yes, unless a requirement leaves them out."""
    path = "spec.template.spec"
    if any_of(pool.views(f"{path}.taints"), lambda taint: any(word in str(taint.get("key")) for word in VENDORS)):
        return True
    return not any_of(pool.views(f"{path}.requirements"), _leaves_out)


VENDORS = ("nvidia", "neuron", "habana", "amd.com/gpu")
ACCELERATED = ("instance-gpu", "instance-accelerator")
"""Beginnings of labels that only machines with accelerators carry."""


def _leaves_out(need: View) -> bool:
    """Whether a requirement is met by no machine with accelerators."""
    label, operator = str(need.get("key", "")).rpartition("/")[2], str(need.get("operator", "In"))
    if label.startswith(ACCELERATED):
        if operator in ("Lt", "In", "NotIn"):
            values = [str(value) for value in need.known("values")]
            return (operator == "Lt" and values == ["1"]) or (operator == "In" and set(values) <= {"0"})
        return operator == "DoesNotExist"
    known = ACCELERATOR_LABELS.get(label)
    if known is None or operator not in ("In", "NotIn"):
        return False
    values = {str(value) for value in need.known("values")}
    return not values & known() if operator == "In" else known() <= values


def _types() -> set[str]:
    return {name for name, facts in machines().items() if facts["accelerators"]}


def _families() -> set[str]:
    return {name.partition(".")[0] for name in _types()}


def _categories() -> set[str]:
    """`p` of `p5en`, `trn` of `trn2`: what Karpenter calls the category."""
    return {re.match(r"[a-z]+", family)[0] for family in _families()}  # type: ignore[index]


ACCELERATOR_LABELS = {
    "instance-type": _types,
    "instance-family": _families,
    "instance-category": _categories,
}
"""What a requirement must name, or must leave out, of each label for a pool to have machines with accelerators."""


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
