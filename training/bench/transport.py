"""Which way the ranks' messages went: found out, not assumed; unknown stays None.

On CPUs JAX sends through Gloo over TCP; the interface is the one with which rank 0 is reached. On GPUs the library says
it itself in its log (NCCL_DEBUG=INFO). On TPUs there is one way. Leaves out: whether that is the transport that was
hoped for (verdict.py).
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import re
import socket
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SIOCGIFADDR, SIOCETHTOOL, ETHTOOL_GDRVINFO = 0x8915, 0x8946, 0x00000003
"""linux/sockios.h, linux/ethtool.h"""
NCCL_NETWORK = re.compile(r"NET/(OFI|IB|gIB|FasTrak|Socket|Libfabric|AWS Libfabric)\b", re.IGNORECASE)
NCCL_PROVIDER = re.compile(r"Selected [Pp]rovider is (\S+)")
NCCL_INTERFACES = re.compile(r"\(found (\d+) nics\)")
NCCL_IB_DEVICE = re.compile(r"\[\d+\]\S+/(?:IB|RoCE)")


def unknown(why: str) -> dict[str, Any]:
    return {"name": None, "interface": None, "interfaces": None, "driver": None, "found_by": why}


def of_cpu(local_address: str) -> dict[str, Any]:
    """Gloo over TCP; `local_address` is this rank's end of its connection to rank 0."""
    interface = interface_of(local_address)
    driver = driver_of(interface) if interface else None
    name = f"gloo over TCP, {interface or 'unknown interface'}" + (f" ({driver})" if driver else "")
    found = f"address {local_address} with which this rank reaches rank 0"
    return {"name": name, "interface": interface, "interfaces": None, "driver": driver, "found_by": found}


def of_nccl(log: Iterable[str]) -> dict[str, Any]:
    """From the lines that NCCL writes with NCCL_DEBUG=INFO."""
    networks, provider, interfaces = set(), None, None
    for line in log:
        if match := NCCL_NETWORK.search(line):
            networks.add(match[1])
        if match := NCCL_PROVIDER.search(line):
            provider = match[1].rstrip(",.")
        if match := NCCL_INTERFACES.search(line):
            interfaces = int(match[1])
        elif "NET/IB : Using" in line:
            interfaces = len(NCCL_IB_DEVICE.findall(line)) or None
    if not networks:
        return unknown("NCCL's log names no network")
    name = f"nccl over {', '.join(sorted(networks))}" + (f" ({provider})" if provider else "")
    return {"name": name, "interface": None, "interfaces": interfaces, "driver": provider, "found_by": "NCCL's log"}


def of_tpu(slices: int) -> dict[str, Any]:
    """Within a slice libtpu sends over the chips' own links (ICI) and cannot do otherwise; slices are joined over the
    data center's network (DCN)."""
    name = "libtpu over ICI" + (f" and, between {slices} slices, DCN" if slices > 1 else "")
    found = f"libtpu's platform, {slices} slice{'s' if slices > 1 else ''} by MEGASCALE_NUM_SLICES"
    return {"name": name, "interface": None, "interfaces": None, "driver": "libtpu", "found_by": found}


def interface_of(address: str) -> str | None:
    """The interface that has an IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # an interface without an address
                answer = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                if socket.inet_ntoa(answer[20:24]) == address:
                    return name
    return None


def driver_of(interface: str) -> str | None:
    """`ena`, `veth`, `loopback`: what drives an interface, as `ethtool -i` would say."""
    with contextlib.suppress(OSError):
        if int(Path(f"/sys/class/net/{interface}/flags").read_text(encoding="ascii"), 16) & 0x8:  # IFF_LOOPBACK
            return "loopback"
    answer = array.array("B", struct.pack("I", ETHTOOL_GDRVINFO) + bytes(192))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        pointer = struct.pack("16sP", interface.encode()[:15], answer.buffer_info()[0])
        fcntl.ioctl(probe, SIOCETHTOOL, pointer)
        return answer.tobytes()[4:36].split(b"\0")[0].decode() or None
    return None
