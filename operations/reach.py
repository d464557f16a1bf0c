"""Whether this machine will be able to reach the Kubernetes API that the stack is about to create.

A stack puts objects into its cluster, so an API out of reach means a half-made stack and a long time-out. The question
is asked before anything is created.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import urllib.parse
import urllib.request
from typing import Any

import plan

CHECK_IP = "https://checkip.amazonaws.com"
"""Answers with the caller's public address."""
CLUSTERS = ("aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster")
NETWORKS = ("aws:ec2/vpc:Vpc", "gcp:compute/network:Network")
PUBLIC, PRIVATE = "public-access-cidrs", "private-access-cidrs"
PATIENCE = 3
"""Seconds that an address has to answer."""

Ranges = list[ipaddress.IPv4Network]


def problem(wanted: plan.Plan, deployed: plan.Plan | None = None) -> str | None:
    """One line when the API will be out of reach; None when it will not be, or when it cannot be told.

    A way through private networks can be judged only by what is `deployed`: nothing leads into a network before it is
    there. Without it such a way counts as open.
    """
    cluster = json.loads(wanted.config.get("ai-datacenter:cluster", "{}"))
    network = json.loads(wanted.config.get("ai-datacenter:network", "{}"))
    if not cluster or not network:
        return None
    inside = ipaddress.IPv4Network(network["cidr"])
    on_google = wanted.config.get("ai-datacenter:cloud", "aws") == "gcp"
    if on_google and _holds([inside]):
        return None
    private, opened = _ranges(cluster, PRIVATE), _ranges(cluster, PUBLIC)
    if on_google and opened:
        private = []  # a GKE API that is open to the internet is called there, also over a VPN
    if private and (deployed is None or _leads_in(private, deployed)):
        return None
    public = public_address()
    if opened and (public is None or any(public in cidr for cidr in opened)):
        return None
    if opened:
        return f"cluster.{PUBLIC}: {_words(opened)} does not hold this machine's public address {public}. Add it"
    mine = f" ({public}/32)" if public else ""
    if private and deployed is not None:
        return _no_way_in(private, deployed, mine)
    return (
        f"cluster.{PUBLIC}: empty, so the Kubernetes API answers only inside {inside}, and this machine has no way in. "
        f"Name this machine's public network{mine} there; or, once the VPC is there and a VPN, a peering or a bastion "
        f"leads into it, name the network you come from under cluster.{PRIVATE} instead"
    )


def _no_way_in(private: Ranges, deployed: plan.Plan, mine: str) -> str:
    if not _of(deployed, NETWORKS):
        return (
            f"cluster.{PRIVATE}: the VPC is not there yet, so nothing leads into it. Name this machine's public "
            f"network{mine} under cluster.{PUBLIC} as well, and take it out again when your own way into the VPC stands"
        )
    return (
        f"cluster.{PRIVATE}: {_words(private)} holds no address of this machine, and the API does not answer it. "
        f"Run from such a network, add this machine's, or name its public one{mine} under cluster.{PUBLIC}"
    )


def _leads_in(private: Ranges, deployed: plan.Plan) -> bool:
    """Whether this machine stands in a network that is let in, or is answered all the same (behind a NAT)."""
    if not _of(deployed, NETWORKS):
        return False
    return _holds(private) or any(answers(cluster.outputs.get("endpoint")) for cluster in _of(deployed, CLUSTERS))


def _of(deployed: plan.Plan, kinds: tuple[str, ...]) -> list[plan.Resource]:
    return [found for kind in kinds for found in deployed.of_type(kind)]


def _ranges(cluster: dict[str, Any], key: str) -> Ranges:
    return [ipaddress.IPv4Network(cidr) for cidr in cluster.get(key) or []]


def _holds(ranges: Ranges) -> bool:
    return any(address in cidr for address in local_addresses() for cidr in ranges)


def _words(ranges: Ranges) -> str:
    return ", ".join(map(str, ranges))


def answers(endpoint: object) -> bool:
    """Whether an endpoint answers at a private address. A public one says nothing: it may be about to be closed."""
    url = endpoint if isinstance(endpoint, str) else ""
    host = urllib.parse.urlsplit(url if "//" in url else f"//{url}").hostname  # GKE's endpoint is a bare address
    if not host:
        return False
    try:
        with socket.create_connection((host, 443), PATIENCE) as connection:
            return ipaddress.ip_address(connection.getpeername()[0]).is_private
    except (OSError, ValueError):
        return False


def local_addresses() -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses of this machine, without loopback."""
    found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # a documentation address: nothing is sent, the kernel picks the source
        found.add(probe.getsockname()[0])
    with contextlib.suppress(OSError):
        found.update(str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET))
    return [address for text in found if not (address := ipaddress.IPv4Address(text)).is_loopback]


def public_address() -> ipaddress.IPv4Address | None:
    """The address this machine has in the outside world, or None when it cannot be told in time."""
    try:
        with urllib.request.urlopen(CHECK_IP, timeout=PATIENCE) as answer:
            return ipaddress.IPv4Address(answer.read(64).decode().strip())
    except (OSError, ValueError):
        return None
