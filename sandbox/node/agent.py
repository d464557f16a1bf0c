"""The agent: which pods this process runs, for which nodes, from its start to its end.

Adopts what an earlier agent left running, follows the pods bound to its nodes, and ends every pod when it is told to
end for good (SIGTERM). When it is killed instead, the pods go on and the next agent takes them over. Leaves out: one
pod's life (pod.py), the node's own objects (registration.py), which nodes there are (fleet.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network
from pathlib import Path

from sandbox.kubernetes.connection import connect
from sandbox.kubernetes.pki import SERVICE_NETWORK
from sandbox.node import images
from sandbox.node import launch as paper
from sandbox.node.api import Api, ApiError, Object, namespaced
from sandbox.node.informer import Informer
from sandbox.node.kubelet_api import KubeletServer
from sandbox.node.names import HEADLESS_LABEL, Names
from sandbox.node.network import SharedNetwork, open_network
from sandbox.node.pod import PodWorker, Stop
from sandbox.node.registration import Machine
from sandbox.node.sources import ClusterSources, Events
from sandbox.node.status import FAILED, PENDING, SUCCEEDED, Verdict
from sandbox.node.workload import Host
from sandbox.settings import Settings
from terminal import UserError

log = logging.getLogger(__name__)
USER = "node-agent"
SERVICE = (str(IPv4Network(SERVICE_NETWORK)[1]), 443)
"""Where pods reach the API server, as on any cluster: the `kubernetes` service."""
SHUTDOWN_GRACE = 10.0
"""Longest time a pod gets to end when the whole node ends, in seconds; a pod that asks for less gets less."""
LOCK_SECONDS = 2.0
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the machine's tmpfs
SHUTDOWN = Verdict("Terminated", "Pod was terminated in response to imminent node shutdown.")


class Agent:
    """Runs pods for any number of nodes."""

    def __init__(
        self, settings: Settings, folder: Path | None = None, port: int | None = None, orphan_seconds: float = 60.0
    ) -> None:
        """`folder` and `port` (of the kubelet endpoint) set an agent beside the sandbox's own one.

        Raises UserError when another agent runs with this folder or the port is taken.
        """
        self.settings = settings
        self.port = port or settings.ports["kubelet"]
        self._folder = folder or settings.state / "node"
        self.name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        """The same after a restart, another one for an agent with another folder."""
        self._pods = self._folder / "pods"
        self._pods.mkdir(parents=True, exist_ok=True)
        self._lock = self._folder / "agent.lock"
        self._lock_file = _lock(self._lock)
        self._memory = (SHARED_MEMORY if SHARED_MEMORY.is_dir() else self._folder) / f"aidc-{self.name}"
        self.api = Api(connect(settings, USER))
        self._workers: dict[str, PodWorker] = {}
        self._guard = threading.Lock()
        self._ending = threading.Event()
        api_server = ("127.0.0.1", settings.ports["apiserver"])
        self._network = open_network(SERVICE, api_server, _living_shim(self._pods))
        self._names = Names()
        self._host = Host(
            api=self.api,
            sources=ClusterSources(self.api),
            events=Events(self.api),
            network=self._network,
            shared=SharedNetwork(api_server),
            names=self._names,
            images=images.table(settings),
            lock=self._lock,
            memory=self._memory,
            masked=masked(settings),
            allocatable=Machine.this(settings.state).resources,
            orphan_seconds=orphan_seconds,
        )
        self._server = _serve(self.port, settings.pki, self.workers)

    @property
    def network_problem(self) -> str | None:
        return self._network.problem

    @property
    def abandoned(self) -> bool:
        """Whether the state folder was removed under this agent: its sandbox is gone, and nobody would ever end it."""
        return not self._lock.exists()

    def workers(self) -> list[PodWorker]:
        with self._guard:
            return list(self._workers.values())

    def start(self) -> None:
        """Take over what runs, and begin to serve."""
        if self.network_problem:
            log.warning("%s", self.network_problem)
        for folder in sorted(self._pods.iterdir()):
            self._adopt(folder)
        known = {worker.uid for worker in self.workers()}
        for left in self._memory.glob("*"):
            if left.name not in known:
                shutil.rmtree(left, ignore_errors=True)
        path, query = "/apis/discovery.k8s.io/v1/endpointslices", {"labelSelector": HEADLESS_LABEL}
        Informer(self.api, path, self._names.replace, self._names.update, self._ending, query).start()
        self._server.start()

    def follow(self, node: str) -> threading.Event:
        """Run the pods bound to a node until the returned event is set."""
        stop = threading.Event()

        def replace(pods: list[Object]) -> None:
            present = {pod["metadata"]["uid"] for pod in pods}
            for worker in self.of_node(node):
                if worker.uid not in present:
                    worker.stop(Stop(0, delete=True))  # deleted by force while we were away
            for pod in pods:
                self._see(pod)

        def update(kind: str, pod: Object) -> None:
            if kind == "DELETED":
                worker = self._find(pod["metadata"]["uid"])
                if worker:
                    worker.stop(Stop(0, delete=True))
            else:
                self._see(pod)

        Informer(self.api, "/api/v1/pods", replace, update, stop, {"fieldSelector": f"spec.nodeName={node}"}).start()
        return stop

    def of_node(self, node: str) -> list[PodWorker]:
        return [worker for worker in self.workers() if worker.node == node]

    def nodes(self) -> set[str]:
        """Nodes that have pods here."""
        self._prune()
        return {worker.node for worker in self.workers()}

    def drain(self, node: str) -> bool:
        """End a node's pods as an eviction does; call again until it returns True: all are gone."""
        self._prune()
        workers = self.of_node(node)
        for worker in workers:
            worker.stop(Stop(worker.pod["spec"].get("terminationGracePeriodSeconds", 30), delete=True))
        return not workers

    def shut_down(self) -> None:
        """End every pod and serve no more. Nothing of ours runs afterwards."""
        self._ending.set()
        workers = self.workers()
        for worker in workers:
            grace = min(worker.pod["spec"].get("terminationGracePeriodSeconds", 30), SHUTDOWN_GRACE)
            worker.stop(Stop(grace, delete=False, verdict=SHUTDOWN))
        if not _join(workers, SHUTDOWN_GRACE + 10):
            log.error("some pods did not end in time")
        shutil.rmtree(self._memory, ignore_errors=True)
        self._server.shutdown()
        self._network.close()
        os.close(self._lock_file)

    def _see(self, pod: Object) -> None:
        """A pod of ours as the API has it: start it, or pass on what changed."""
        worker = self._find(pod["metadata"]["uid"])
        if worker is not None:
            worker.update(pod)
            return
        phase = (pod.get("status") or {}).get("phase", PENDING)
        if self._ending.is_set():
            return
        if phase in {SUCCEEDED, FAILED}:
            if "deletionTimestamp" in pod["metadata"]:
                self._forget(pod)
            return
        worker = PodWorker(pod, self._pods, self._host)
        if phase != PENDING:
            worker.lose()
        worker.update(pod)
        self._begin(worker)

    def _forget(self, pod: Object) -> None:
        """Let the API remove a pod that has ended and of which nothing is here."""
        metadata = pod["metadata"]
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        with contextlib.suppress(ApiError):  # comes again with the next list
            self.api.delete(namespaced("pods", metadata["namespace"], metadata["name"]), body)

    def _adopt(self, folder: Path) -> None:
        try:
            worker = PodWorker.adopt(folder, self._host)
        except (ValueError, KeyError, OSError) as problem:
            log.warning("%s: not taken over: %s", folder, problem)
            shutil.rmtree(folder, ignore_errors=True)
            return
        log.info("%s: taken over", worker.name)
        self._begin(worker)

    def _begin(self, worker: PodWorker) -> None:
        with self._guard:
            self._workers[worker.uid] = worker
        worker.start()
        self._prune()

    def _find(self, uid: str) -> PodWorker | None:
        with self._guard:
            return self._workers.get(uid)

    def _prune(self) -> None:
        """Forget pods of which nothing is left."""
        with self._guard:
            gone = [worker for worker in self._workers.values() if worker.over]
            for worker in gone:
                del self._workers[worker.uid]
        for worker in gone:
            worker.close()


def masked(settings: Settings) -> list[str]:
    """What containers see empty: keys and state of the sandbox, homes, other programs' sockets and temporary files."""
    places = {settings.state, settings.cache, Path.home(), Path("/root"), Path("/home"), Path("/run"), Path("/tmp")}  # noqa: S108
    places.discard(Path("/"))  # the home of some service users
    # A folder inside a masked one needs no mask of its own, and must not be mounted over what is mounted there.
    return sorted(str(one) for one in places if not any(other in one.parents for other in places))


def _living_shim(pods: Path) -> int | None:
    """A shim of an earlier agent that still runs: it holds the network that the pods are plugged into."""
    for path in pods.glob(f"*/*/*/*/{paper.SHIM}"):
        if (found := paper.shim(path.parent)) and found.alive:
            return found.pid
    return None


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(descriptor)
                raise UserError(f"{path}: another process node runs with this state folder; end it first") from None
            time.sleep(0.02)  # a shim looks at the lock every few seconds, for a moment


def _serve(port: int, pki: Path, workers: Callable[[], list[PodWorker]]) -> KubeletServer:
    try:
        return KubeletServer(port, pki, workers)
    except OSError as problem:
        raise UserError(
            f"port {port} of the kubelet endpoint: {problem}; end the process that has it or set AIDC_PORT"
        ) from None


def _join(workers: Iterable[PodWorker], limit: float) -> bool:
    end = time.monotonic() + limit
    return all(worker.finished.wait(max(0.0, end - time.monotonic())) for worker in workers)
