"""Just enough rtnetlink to wire pods together: a bridge, pairs of virtual cables, addresses, a default route.

`ip` (iproute2) is not on every machine and a library for all of rtnetlink would be the larger dependency: four messages
are needed. Layout: rtnetlink(7) and linux/if_link.h. Leaves out: reading the tables back, IPv6.
"""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface
from typing import Self

from sandbox.node import linux

# linux/netlink.h, linux/rtnetlink.h
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 0x1, 0x4, 0x200, 0x400
NLMSG_ERROR = 2
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 17, 20, 24
# linux/if_link.h
IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 4, 10, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL, RTA_GATEWAY = 1, 2, 5
IFF_UP = 1
RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST = 254, 4, 0, 1


def attribute(kind: int, value: bytes) -> bytes:
    """One rtattr, padded to four bytes."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + b"\0" * (-length % 4)


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def link(index: int = 0, flags: int = 0) -> bytes:
    """struct ifinfomsg."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


class Links:
    """The links of one network namespace. Every method raises OSError with what was tried."""

    def __init__(self, namespace: int) -> None:
        """`namespace` is an open descriptor of the network namespace."""
        self._socket = linux.in_network(
            namespace,
            lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE),
        )
        self._namespace = namespace
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def index(self, name: str) -> int:
        return linux.in_network(self._namespace, lambda: socket.if_nametoindex(name))

    def add_bridge(self, name: str) -> None:
        kind = attribute(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge"))
        self._create(RTM_NEWLINK, link() + text(IFLA_IFNAME, name) + kind, f"make bridge {name}")

    def add_cable(self, name: str, peer: str, peer_namespace: int, mtu: int) -> None:
        """A veth pair: `name` here, `peer` in the other namespace."""
        far = link() + text(IFLA_IFNAME, peer) + number(IFLA_MTU, mtu) + number(IFLA_NET_NS_FD, peer_namespace)
        data = attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, far))
        info = attribute(IFLA_LINKINFO, text(IFLA_INFO_KIND, "veth") + data)
        self._create(RTM_NEWLINK, link() + text(IFLA_IFNAME, name) + number(IFLA_MTU, mtu) + info, f"make cable {name}")

    def attach(self, name: str, bridge: str) -> None:
        """Plug a link into a bridge."""
        body = link(self.index(name)) + number(IFLA_MASTER, self.index(bridge))
        self._ask(RTM_NEWLINK, 0, body, f"attach {name} to {bridge}")

    def start(self, name: str) -> None:
        self._ask(RTM_NEWLINK, 0, link(self.index(name), IFF_UP), f"start {name}")

    def remove(self, name: str) -> None:
        self._ask(RTM_DELLINK, 0, link(self.index(name)), f"remove {name}")

    def add_address(self, name: str, address: IPv4Interface) -> None:
        header = struct.pack(
            "=BBBBI", socket.AF_INET, address.network.prefixlen, 0, RT_SCOPE_UNIVERSE, self.index(name)
        )
        body = header + attribute(IFA_LOCAL, address.ip.packed) + attribute(IFA_ADDRESS, address.ip.packed)
        self._create(RTM_NEWADDR, body, f"give {address} to {name}")

    def add_default_route(self, gateway: IPv4Address) -> None:
        kind = (RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST)
        header = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, *kind, 0)
        self._create(RTM_NEWROUTE, header + attribute(RTA_GATEWAY, gateway.packed), f"route over {gateway}")

    def _create(self, kind: int, body: bytes, what: str) -> None:
        self._ask(kind, NLM_F_CREATE | NLM_F_EXCL, body, what)

    def _ask(self, kind: int, flags: int, body: bytes, what: str) -> None:
        self._sequence += 1
        header = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, self._sequence, 0)
        self._socket.sendall(header + body)
        answer = self._socket.recv(65536)
        # An acknowledgement is an error message whose number is 0.
        error = -struct.unpack_from("=i", answer, 16)[0] if struct.unpack_from("=H", answer, 4)[0] == NLMSG_ERROR else 0
        if error:
            raise OSError(error, f"{what}: {os.strerror(error)}")
