"""Names of headless services, in the `/etc/hosts` of each pod: what the cluster's DNS would answer.

Fed with EndpointSlices, as the cluster's DNS is, so that readiness and `publishNotReadyAddresses` count as they do
there. The files are rewritten when endpoints change; programs read them at each look-up. Leaves out: names of services
with a cluster IP (nothing routes those), SRV records, pods on other kinds of nodes (their addresses are labels).
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from sandbox.node.network import LABELS, LOOPBACK

SERVICE_LABEL = "kubernetes.io/service-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"
DOMAIN = "svc.cluster.local"


@dataclass(frozen=True, order=True)
class Entry:
    """One address of one service; `hostname` when the pod has a name of its own there."""

    namespace: str
    service: str
    hostname: str
    address: IPv4Address

    def names(self, namespace: str) -> list[str]:
        """The names of this address as seen from a pod of `namespace`, shortest first, as its search list allows."""
        stems = [f"{self.hostname}.{self.service}"] if self.hostname else [self.service]
        found = []
        for stem in stems:
            if namespace == self.namespace:
                found.append(stem)
            found += [f"{stem}.{self.namespace}", f"{stem}.{self.namespace}.svc", f"{stem}.{self.namespace}.{DOMAIN}"]
        return found


def entries(endpoint_slice: dict[str, Any]) -> list[Entry]:
    """What a slice of a headless service says. Addresses of pods in the shared network mean this machine."""
    metadata = endpoint_slice["metadata"]
    service = (metadata.get("labels") or {}).get(SERVICE_LABEL)
    if not service or endpoint_slice.get("addressType") != "IPv4":
        return []
    found = []
    for endpoint in endpoint_slice.get("endpoints") or []:
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        for text in endpoint["addresses"]:
            address = IPv4Address(text)
            address = LOOPBACK if address in LABELS else address
            found.append(Entry(metadata["namespace"], service, "", address))
            if endpoint.get("hostname"):
                found.append(Entry(metadata["namespace"], service, endpoint["hostname"], address))
    return found


@dataclass
class _File:
    path: Path
    namespace: str
    own: list[str]


@dataclass
class Names:
    """The table of names and the hosts files made from it. Safe to use from several threads."""

    _slices: dict[tuple[str, str], list[Entry]] = field(default_factory=dict)
    _files: dict[Path, _File] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replace(self, slices: list[dict[str, Any]]) -> None:
        """Start anew from a list of EndpointSlices."""
        with self._lock:
            self._slices = {_key(one): entries(one) for one in slices}
            self._rewrite()

    def update(self, kind: str, endpoint_slice: dict[str, Any]) -> None:
        """Take one watch event in: ADDED, MODIFIED or DELETED."""
        with self._lock:
            key, before = _key(endpoint_slice), dict(self._slices)
            if kind == "DELETED":
                self._slices.pop(key, None)
            else:
                self._slices[key] = entries(endpoint_slice)
            if self._slices != before:
                self._rewrite()

    def add_file(self, path: Path, namespace: str, own: list[str]) -> None:
        """Keep `path` up to date for a pod of `namespace`; `own` are its first lines."""
        with self._lock:
            self._files[path] = _File(path, namespace, own)
            _overwrite(path, self.text(namespace, own))

    def remove_file(self, path: Path) -> None:
        with self._lock:
            self._files.pop(path, None)

    def text(self, namespace: str, own: list[str]) -> str:
        """The content of a hosts file."""
        found = sorted({entry for one in self._slices.values() for entry in one})
        lines = [f"{entry.address} {' '.join(entry.names(namespace))}" for entry in found]
        return "\n".join([*own, *lines]) + "\n"

    def _rewrite(self) -> None:
        for file in self._files.values():
            _overwrite(file.path, self.text(file.namespace, file.own))


def own_lines(pod: dict[str, Any], hostname: str, address: IPv4Address, api_server: str) -> list[str]:
    """The lines a kubelet writes for the pod itself, the API server's name, and the pod's host aliases."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    names = [hostname]
    if spec.get("subdomain"):
        stem = f"{hostname}.{spec['subdomain']}"
        names = [f"{stem}.{namespace}.{DOMAIN}", f"{stem}.{namespace}.svc", f"{stem}.{namespace}", stem, hostname]
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", f"{address} {' '.join(names)}"]
    lines.append(f"{api_server} kubernetes.default.{DOMAIN} kubernetes.default.svc kubernetes.default")
    lines += [f"{alias['ip']} {' '.join(alias.get('hostnames') or [])}" for alias in spec.get("hostAliases") or []]
    return lines


def _key(endpoint_slice: dict[str, Any]) -> tuple[str, str]:
    return endpoint_slice["metadata"]["namespace"], endpoint_slice["metadata"]["name"]


def _overwrite(path: Path, text: str) -> None:
    # In place, not by renaming: containers have this very file mounted.
    data = text.encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)
