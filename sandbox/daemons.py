"""The table of daemons: name, command, ports, when it starts, and why it may not run here.

The order is etcd, API server and AWS API together; what needs a ready API server after that; what needs its access
rules last. Leaves out how they are kept alive (supervisor.py) and how they are asked for their health (health.py).
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.kubernetes import plane
from sandbox.kubernetes.nodegroups import BENCH_POOL
from sandbox.node import check
from sandbox.settings import Settings


@dataclass(frozen=True)
class Daemon:
    """One process of the sandbox."""

    name: str
    command: tuple[str, ...]
    phase: int
    """0 starts at once, 1 when the API server is ready, 2 when its access rules are in place."""
    ports: tuple[str, ...] = ()
    """Names of Settings.ports it listens on."""
    stop_signal: str = "TERM"
    stop_wait: int = 10
    """Seconds from SIGTERM to SIGKILL."""
    missing: str | None = None
    """Why it is not started on this machine; None when it is."""
    optional: bool = False
    """Started for the stacks that need it only."""


def table(settings: Settings, kube: Callable[[str], list[str]]) -> list[Daemon]:
    """All daemons in the order of their start. `kube` gives the command of a control-plane component."""

    def component(name: str, phase: int) -> Daemon:
        return Daemon(name, (*kube(name), *plane.flags(name, settings)), phase, (name,))

    python = (sys.executable, "-m")
    aws = (
        f"--port={settings.ports['aws']}",
        f"--cluster-endpoint={settings.kubernetes_url}",
        f"--cluster-ca={settings.pki / 'ca.crt'}",
    )
    return [
        # Its data is deleted when it is stopped: no need for the 5 seconds of its orderly end.
        dataclasses.replace(component("etcd", 0), ports=("etcd", "etcd-peer"), stop_signal="KILL"),
        component("apiserver", 0),
        Daemon("aws", (*python, "sandbox.aws", *aws), 0, ("aws",)),
        component("controller-manager", 1),
        component("scheduler", 1),
        component("kwok", 2),
        Daemon("nodes", (*python, "sandbox.kubernetes.nodes"), 2),
        # It ends the pods it runs, each with its own grace period.
        Daemon("node", (*python, "sandbox.node"), 2, ("kubelet",), stop_wait=45, missing=process_node_missing()),
        Daemon("jobset", (*python, "sandbox.kubernetes.jobset"), 2, ("jobset", "jobset-health"), optional=True),
    ]


def names() -> list[str]:
    """Names of all daemons, in the order of their start."""
    return [*plane.COMPONENTS[:2], "aws", *plane.COMPONENTS[2:], "nodes", "node", "jobset"]


@functools.cache
def process_node_missing() -> str | None:
    """Why this machine cannot run pods as processes, None when it can."""
    reason = check.ability().missing
    return reason and f"{reason}; jobs on pool `{BENCH_POOL}` stay Pending"
