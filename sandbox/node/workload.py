"""What a pod's containers need around them: network, names, volumes; and the launch paper of each container.

Leaves out: when containers start and end (pod.py).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.node import environment, images, names, security
from sandbox.node import launch as paper
from sandbox.node.api import Api, Object
from sandbox.node.container import Backoff, Container
from sandbox.node.environment import ConfigProblem
from sandbox.node.images import Image
from sandbox.node.launch import Launch, Mount
from sandbox.node.names import Names
from sandbox.node.network import Network, PodNetwork
from sandbox.node.sources import Events
from sandbox.node.status import HOST_ADDRESS
from sandbox.node.volumes import Sources, Volumes

UNAVAILABLE = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy", "restartPolicyRules")
"""Fields of a container that a process node cannot honour; a pod with one is refused."""


class ImageProblem(Exception):
    """The container's image has no local environment: ErrImageNeverPull."""


@dataclass(frozen=True)
class Host:
    """The machine as pods use it."""

    api: Api
    sources: Sources
    events: Events
    network: Network
    shared: Network
    """This machine's own network, for pods with `hostNetwork`."""
    names: Names
    images: Path
    """The table of images.py."""
    lock: Path
    memory: Path
    """Folder of a tmpfs for volumes with `medium: Memory`."""
    masked: list[str]
    allocatable: Object
    backoff: Backoff = field(default_factory=Backoff)
    orphan_seconds: float = 60.0


class Workload:
    """The surroundings of one pod, in its folder."""

    def __init__(self, pod: Object, folder: Path, host: Host) -> None:
        self._pod, self._folder, self._host = pod, folder, host
        self._plugged: Network = host.shared if pod["spec"].get("hostNetwork") else host.network
        self._network: PodNetwork | None = None
        self._volumes: Volumes | None = None
        self.address: str | None = None
        """Stays known after the pod has ended."""

    @property
    def connected(self) -> bool:
        return self._network is not None

    @property
    def hostname(self) -> str:
        return self._pod["spec"].get("hostname") or self._pod["metadata"]["name"]

    def connect(self) -> None:
        """Give the pod its address and names. Raises OSError."""
        if self._network is None:
            self._network = self._plugged.attach()
            self._name()

    def adopt(self, address: str, pid: int | None, over: bool) -> None:
        """Take over the network of a pod that an earlier agent started; `pid` is one of its processes. Of a pod that
        is `over`, only the address is remembered."""
        self.address = address
        if not over:
            self._network = self._plugged.adopt(IPv4Address(address), pid)
            self._name()

    def prepare(self) -> None:
        """Make the volumes. Raises ConfigProblem, ApiError."""
        if self._volumes is None:
            places = self._folder / "volumes", self._memory
            shared = self._host.lock.parent / "file-systems"
            volumes = Volumes(self._reported(), *places, self._host.sources, self._host.allocatable, shared)
            volumes.prepare()
            self._volumes = volumes

    def renew(self) -> list[float]:
        """Renew tokens that are due. Returns the seconds until the next one is. Raises as `prepare`."""
        if self._volumes is None or self._volumes.renew_at is None:
            return []
        if (left := self._volumes.renew_at - time.monotonic()) <= 0:
            self._volumes.renew()
        return [max(left, 1.0)]

    def launch(self, container: Container) -> Launch:
        """What to start. Raises ImageProblem, ConfigProblem, ApiError, OSError."""
        assert self._volumes and self._network
        spec, network = container.spec, self._network
        image = self._image(spec)
        if extra := [name for name in UNAVAILABLE if name in spec]:
            raise ConfigProblem(f"container {container.name}: {', '.join(extra)} not available on a process node")
        rights = security.identity(self._pod, spec)
        base = self._base(image, rights.home, network)
        variables = environment.compose(spec, self._reported(), base, self._host.sources, self._host.allocatable)
        folder = container.next_attempt
        folder.mkdir(parents=True, exist_ok=True)
        (folder / paper.TERMINATION_LOG).touch(mode=0o666)
        (folder / paper.TERMINATION_LOG).chmod(0o666)
        own = [Mount(place, place, read_only=True) for place in image.mounts]
        own.append(Mount(str(self._folder / "hosts"), "/etc/hosts"))
        own.append(Mount(str(self._folder / "resolv.conf"), "/etc/resolv.conf"))
        own.append(
            Mount(str(folder / paper.TERMINATION_LOG), spec.get("terminationMessagePath", "/dev/termination-log"))
        )
        return Launch(
            argv=environment.arguments(spec, variables, image.command),
            environment=variables,
            directory=spec.get("workingDir") or "/",
            hostname=self.hostname,
            mounts=[*own, *self._volumes.mounts(spec, variables)],
            masked=self._host.masked,
            user=rights.user,
            group=rights.group,
            groups=rights.groups,
            capabilities=rights.capabilities,
            new_privileges=rights.new_privileges,
            read_only_root=rights.read_only_root,
            node_network=network.node_descriptor,
            pod_network=network.descriptor,
            agent_lock=str(self._host.lock),
            orphan_seconds=self._host.orphan_seconds,
            grace_seconds=self._pod["spec"].get("terminationGracePeriodSeconds", 30),
        )

    @property
    def _memory(self) -> Path:
        return self._host.memory / self._pod["metadata"]["uid"]

    def disconnect(self) -> None:
        """Let go of network, names and memory; logs stay for readers."""
        shutil.rmtree(self._memory, ignore_errors=True)
        self._host.names.remove_file(self._folder / "hosts")
        if self._network is not None:
            self._plugged.release(self._network)
            self._network = None

    def remove(self) -> None:
        """Remove everything of the pod from this machine."""
        self.disconnect()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _name(self) -> None:
        assert self._network
        self.address = str(self._network.address)
        self._folder.mkdir(parents=True, exist_ok=True)
        own = names.own_lines(self._pod, self.hostname, self._network.own_address, self._network.api_server[0])
        self._host.names.add_file(self._folder / "hosts", self._pod["metadata"]["namespace"], own)
        # No name server: an unknown name is unknown at once, instead of after a time-out.
        resolver = "# Names come from /etc/hosts: this pod's network has no name server.\n"
        if self._network.descriptor is None:
            with contextlib.suppress(OSError):
                resolver = Path("/etc/resolv.conf").read_text(encoding="utf-8")
        (self._folder / "resolv.conf").write_text(resolver, encoding="utf-8")

    def _reported(self) -> Object:
        """The pod with the addresses it is about to have, for the downward API."""
        known: Object = {"hostIP": HOST_ADDRESS, "hostIPs": [{"ip": HOST_ADDRESS}]}
        if self.address:
            known |= {"podIP": self.address, "podIPs": [{"ip": self.address}]}
        return self._pod | {"status": (self._pod.get("status") or {}) | known}

    def _image(self, spec: Object) -> Image:
        reference = spec.get("image", "")
        try:
            image = images.find(self._host.images, reference)
        except ValueError as problem:
            raise ImageProblem(str(problem)) from None
        if image is None:
            raise ImageProblem(
                f'image "{reference}" has no local environment, and a process node pulls nothing; it can run: '
                f"{images.describe(self._host.images)}"
            )
        return image

    def _base(self, image: Image, home: str, network: PodNetwork) -> dict[str, str]:
        """What a container has before its own variables."""
        host, port = network.api_server
        return {
            "PATH": os.pathsep.join([*image.path, environment.SYSTEM_PATH]),
            "HOME": home,
            "HOSTNAME": self.hostname,
            **image.env,
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": str(port),
            "KUBERNETES_SERVICE_PORT_HTTPS": str(port),
        }
