"""Whether this machine will be able to reach the Kubernetes API that the stack is about to create.

A stack puts objects into its cluster, so an API out of reach means a half-made stack and a long time-out. The question
is asked before anything is created.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import urllib.request

import plan

CHECK_IP = "https://checkip.amazonaws.com"
"""Answers with the caller's public address."""


def problem(wanted: plan.Plan) -> str | None:
    """One line when the API will be out of reach; None when it will not be, or when it cannot be told."""
    cluster = json.loads(wanted.config.get("ai-datacenter:cluster", "{}"))
    network = json.loads(wanted.config.get("ai-datacenter:network", "{}"))
    if not cluster or not network:
        return None
    opened = [ipaddress.ip_network(cidr) for cidr in cluster.get("public-access-cidrs") or []]
    # An API that is open to the internet is called there, also over a VPN: then the public address decides.
    private = [] if opened else cluster.get("private-access-cidrs") or []
    ways_in = [ipaddress.ip_network(cidr) for cidr in (network["cidr"], *private)]
    if any(address in way for way in ways_in for address in local_addresses()):
        return None
    if not opened:
        return (
            "cluster.public-access-cidrs: empty, so the Kubernetes API answers only inside "
            f"{', '.join(map(str, ways_in))}, and this machine has no address there. Run from inside the network (VPN, "
            "bastion), or name this machine's public network"
        )
    public = public_address()
    if public and not any(public in cidr for cidr in opened):
        names = ", ".join(map(str, opened))
        return f"cluster.public-access-cidrs: {names} does not hold this machine's public address {public}. Add it"
    return None


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
    """The address this machine has in the outside world, or None when it cannot be told within 3 s."""
    try:
        with urllib.request.urlopen(CHECK_IP, timeout=3) as answer:
            return ipaddress.IPv4Address(answer.read(64).decode().strip())
    except (OSError, ValueError):
        return None
