"""The pods' network: one namespace with a bridge, and for each pod its own namespace, cable and address.

So two jobs can use the same port at once and a program can listen on 0.0.0.0, as on a real cluster. All of it lies in
namespaces of its own: this machine's interfaces, addresses and firewall are untouched, and the kernel removes
everything with the last process. Pods reach each other and the API server, nothing else. Where the kernel refuses
(`SharedNetwork`), pods share this machine's network and say so; pods with `hostNetwork` do the same.

Leaves out: names (names.py), cluster IPs of other services, network policies.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Protocol

from sandbox.node import linux
from sandbox.node.netlink import Links
from sandbox.node.relay import Relay

PODS = IPv4Network("100.64.0.0/16")
"""Shared address space (RFC 6598), as EKS uses for pods in secondary ranges. Not 10/8: simulated nodes number theirs
from there."""
GATEWAY = PODS[1]
LABELS = IPv4Network("100.65.0.0/16")
"""What a pod in the shared network reports: Kubernetes refuses loopback addresses in endpoints."""
BRIDGE, CABLE = "pods", "eth0"
MTU = 9001
"""Jumbo frames, as in a VPC."""
LOOPBACK = IPv4Address("127.0.0.1")


@dataclass
class PodNetwork:
    """A pod's place in the network. `descriptor` is None when it shares this machine's."""

    address: IPv4Address
    descriptor: int | None
    api_server: tuple[str, int]
    """Where a program in the pod reaches the API server."""
    node_descriptor: int | None = None
    """The namespace in which the other end of the cable is."""

    @property
    def own_address(self) -> IPv4Address:
        """What the pod's own names mean inside it."""
        return self.address if self.descriptor is not None else LOOPBACK

    def close(self) -> None:
        """Let go; the namespace itself ends with the pod's last process."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Network(Protocol):
    """Where pods are attached."""

    @property
    def problem(self) -> str | None:
        """Why pods share this machine's network; None when they have their own."""
        ...

    def attach(self, address: IPv4Address | None = None) -> PodNetwork:
        """A place for a new pod, with a given address or the next free one. Raises OSError."""
        ...

    def adopt(self, address: IPv4Address, pid: int | None) -> PodNetwork:
        """The place of a pod that has run before: that of its living process, else a new one with its address."""
        ...

    def release(self, pod: PodNetwork) -> None:
        """The pod is gone: its address may be used again."""
        ...

    def close(self) -> None: ...


@dataclass
class Addresses:
    """Hands out addresses round robin, so that a name that is still remembered does not lead to another pod."""

    network: IPv4Network
    _used: set[IPv4Address] = field(default_factory=set)
    _next: int = 2  # 0 is the network, 1 the gateway
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, address: IPv4Address | None = None) -> IPv4Address:
        """`address`, or a free one. Raises OSError when all are used."""
        with self._lock:
            if address is None:
                address = self._free()
            self._used.add(address)
            return address

    def give_back(self, address: IPv4Address) -> None:
        with self._lock:
            self._used.discard(address)

    def _free(self) -> IPv4Address:
        usable = self.network.num_addresses - 3
        for _ in range(usable):
            candidate = self.network[self._next]
            self._next = 2 + (self._next - 1) % usable
            if candidate not in self._used:
                return candidate
        raise OSError(f"all {usable} addresses of {self.network} are used")


class SharedNetwork:
    """Pods in this machine's own network: ports are shared, addresses are labels only."""

    def __init__(self, api_server: tuple[str, int], problem: str | None = None) -> None:
        self.problem = problem
        self._api_server = api_server
        self._addresses = Addresses(LABELS)

    def attach(self, address: IPv4Address | None = None) -> PodNetwork:
        return PodNetwork(self._addresses.take(address), None, self._api_server)

    def adopt(self, address: IPv4Address, pid: int | None) -> PodNetwork:  # noqa: ARG002 - nothing to look at
        return self.attach(address)

    def release(self, pod: PodNetwork) -> None:
        self._addresses.give_back(pod.address)

    def close(self) -> None:
        pass


class PrivateNetwork:
    """Pods with network namespaces of their own. Raises OSError when this machine does not allow it."""

    problem = None

    def __init__(self, service: tuple[str, int], api_server: tuple[str, int], shim: int | None = None) -> None:
        """`service` is the address pods use for the API server at `api_server`. `shim` is the process of an earlier
        agent that still holds the node's namespace."""
        self._service = service
        self._addresses = Addresses(PODS)
        self._descriptor = _namespace_of(shim) if shim else linux.new_network_namespace()
        try:
            if not shim:
                self._build()
            listener = linux.in_network(self._descriptor, lambda: socket.create_server(service, backlog=128))
        except OSError:
            os.close(self._descriptor)
            raise
        self._relay = Relay(listener, api_server)

    def attach(self, address: IPv4Address | None = None) -> PodNetwork:
        address = self._addresses.take(address)
        descriptor = linux.new_network_namespace()
        try:
            self._plug(descriptor, address)
        except OSError:
            self._addresses.give_back(address)
            os.close(descriptor)
            raise
        return PodNetwork(address, descriptor, self._service, self._descriptor)

    def adopt(self, address: IPv4Address, pid: int | None) -> PodNetwork:
        if pid is None:
            return self.attach(address)
        return PodNetwork(self._addresses.take(address), _namespace_of(pid), self._service, self._descriptor)

    def release(self, pod: PodNetwork) -> None:
        pod.close()
        self._addresses.give_back(pod.address)

    def close(self) -> None:
        self._relay.close()
        os.close(self._descriptor)

    def _build(self) -> None:
        with Links(self._descriptor) as links:
            links.start("lo")
            links.add_bridge(BRIDGE)
            links.add_address(BRIDGE, IPv4Interface((GATEWAY, PODS.prefixlen)))
            links.add_address(BRIDGE, IPv4Interface((self._service[0], 32)))
            links.start(BRIDGE)

    def _plug(self, descriptor: int, address: IPv4Address) -> None:
        # A random name: those of an earlier agent's pods may still be there, and the kernel removes them lazily.
        name = f"pod{secrets.token_hex(5)}"
        with Links(self._descriptor) as here, Links(descriptor) as there:
            here.add_cable(name, CABLE, descriptor, MTU)
            here.attach(name, BRIDGE)
            here.start(name)
            there.start("lo")
            there.add_address(CABLE, IPv4Interface((address, PODS.prefixlen)))
            there.start(CABLE)
            there.add_default_route(GATEWAY)


def try_private() -> None:
    """Try all that a private network needs. Raises OSError when this machine does not allow it."""
    network = PrivateNetwork((str(LABELS[1]), 443), ("127.0.0.1", 9))
    network.release(network.attach())
    network.close()


def open_network(service: tuple[str, int], api_server: tuple[str, int], shim: int | None = None) -> Network:
    """The best network this machine allows; `Network.problem` says why it is not a private one."""
    try:
        return PrivateNetwork(service, api_server, shim)
    except OSError as error:
        return SharedNetwork(api_server, f"pods share this machine's network, ports can collide: {error}")


def _namespace_of(pid: int) -> int:
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
