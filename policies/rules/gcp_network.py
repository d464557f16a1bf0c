"""Google Cloud: what the world reaches, and what leaves a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .addresses import open_to_everybody
from .model import Parameters, Resource, Stack, View, Violation, each, relation_rule, resource_rule

FIREWALL = "gcp:compute/firewall:Firewall"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
NETWORK = "gcp:compute/network:Network"
NODE_POOL = "gcp:container/nodePool:NodePool"
SSH, RDP = 22, 3389
CHECKS = {SSH: "CKV_GCP_2", RDP: "CKV_GCP_3"}


def _open(firewall: Resource) -> bool:
    """Whether a rule lets the whole world in. Without any source Google takes every address."""
    if firewall.get("direction", "INGRESS") != "INGRESS" or firewall.says("disabled"):
        return False
    if not any(firewall.has(path) for path in ("sourceRanges", "sourceTags", "sourceServiceAccounts")):
        return True
    return open_to_everybody(firewall, "sourceRanges")


def _ranges(allow: View) -> list[tuple[int, int]]:
    """Ranges of ports of what a rule allows; none: all of them."""
    found = []
    for port in allow.known("ports"):
        low, _, high = str(port).partition("-")
        found.append((int(float(low)), int(float(high or low))))
    return found


@resource_rule(
    id="gcp-firewall-no-world-admin-ports",
    title="Nobody on the internet reaches SSH or RDP in Google Cloud",
    severity="critical",
    level="mandatory",
    types=[FIREWALL],
    fix="name your own networks, or use Identity-Aware Proxy (35.235.240.0/20).",
    references=["CKV_GCP_2", "CKV_GCP_3", "CIS GCP 3.6", "CIS GCP 3.7", "NIST 800-53 SC-7"],
    parameters={"ports": (SSH, RDP)},
)
def no_world_admin_ports(firewall: Resource, given: Parameters) -> Iterator[Violation]:
    """An open administration port is tried within minutes."""

    def one(allow: View) -> Iterator[Violation]:
        if str(allow.get("protocol", "all")).lower() not in ("all", "tcp", "6"):
            return
        ranges = _ranges(allow)
        for port in given["ports"]:
            if (not ranges or any(low <= port <= high for low, high in ranges)) and _open(firewall):
                message = f"port {int(port)} is open to the world."
                check = CHECKS.get(int(port), "port") if firewall.has("sourceRanges") else "sources"
                yield Violation(message, check=check)

    yield from each(firewall.views("allows"), one)


@resource_rule(
    id="gcp-firewall-no-world-ingress",
    title="The world reaches no range of ports in Google Cloud",
    severity="high",
    level="mandatory",
    types=[FIREWALL],
    fix="name the networks, tags or service accounts that may connect, and single ports.",
    references=["CKV_GCP_106", "NIST 800-53 SC-7"],
    parameters={"allowed-world-ports": (443,)},
)
def no_world_ingress(firewall: Resource, given: Parameters) -> Iterator[Violation]:
    """Every port that the world reaches is a program that must never have a hole."""

    def one(allow: View) -> Iterator[Violation]:
        protocol = str(allow.get("protocol", "all")).lower()
        if protocol in ("icmp", "1", "58", "ipv6-icmp") or not _open(firewall):
            return
        ranges = _ranges(allow)
        if not ranges:
            yield Violation(f"every port of {protocol} is open to the world.", check="all")
        for low, high in ranges:
            if low != high:
                yield Violation(f"ports {low} to {high} are open to the world.", check="range")
            elif low not in (*given["allowed-world-ports"], SSH, RDP):
                check = "CKV_GCP_106" if low == 80 and firewall.has("sourceRanges") else "port"
                yield Violation(f"port {low} is open to the world.", check=check)

    yield from each(firewall.views("allows"), one)


def _by_hand(network: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if not network.denies("autoCreateSubnetworks"):
        yield "autoCreateSubnetworks", False


@resource_rule(
    id="gcp-network-custom-subnets",
    title="Networks have only the subnets that the program makes",
    severity="medium",
    level="advisory",
    types=[NETWORK],
    fix="set autoCreateSubnetworks to false.",
    references=["CIS GCP 3.1", "NIST 800-53 SC-7"],
    remedy=_by_hand,
)
def custom_subnets(network: Resource, _: Parameters) -> Iterator[Violation]:
    """An automatic network has a subnet in every region of the world, with the same addresses as everybody's."""
    if not network.denies("autoCreateSubnetworks"):
        yield Violation("autoCreateSubnetworks is not false.")


def _of_nodes(subnet: Resource, stack: Stack, given: Parameters) -> bool:
    """Whether a subnet is where nodes and pods live, and not one that GPUs have among themselves."""
    private = subnet.get("purpose", "PRIVATE") in given["purposes"]
    return private and not stack.referring(subnet, "networkConfig", NODE_POOL)


@relation_rule(
    id="gcp-subnet-private-access",
    title="Machines reach Google's services without a public address",
    severity="medium",
    level="advisory",
    types=[SUBNETWORK],
    fix="set privateIpGoogleAccess to true.",
    references=["CKV_GCP_74", "NIST 800-53 SC-7"],
    parameters={"purposes": ("PRIVATE",)},
)
def private_access(subnet: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Datasets through a NAT cost by the gigabyte and share its bandwidth."""
    if _of_nodes(subnet, stack, given) and not subnet.says("privateIpGoogleAccess"):
        yield Violation("privateIpGoogleAccess is not true.", check="CKV_GCP_74")


@relation_rule(
    id="gcp-subnet-flow-logs",
    title="Subnets keep flow logs",
    severity="low",
    level="advisory",
    types=[SUBNETWORK],
    fix="set logConfig.",
    references=["CKV_GCP_26", "CIS GCP 3.8", "NIST 800-53 AU-12"],
    parameters={"purposes": ("PRIVATE",)},
)
def subnet_flow_logs(subnet: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Without flow logs nobody can say afterwards who spoke with whom."""
    if _of_nodes(subnet, stack, given) and not subnet.has("logConfig"):
        yield Violation("logConfig is not set.", check="CKV_GCP_26")
