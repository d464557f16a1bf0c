"""What runs where in the local cloud: daemons, emulated clusters with their node groups, Kubernetes nodes."""

from __future__ import annotations

import json
import urllib.error
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from urllib3.exceptions import HTTPError

from sandbox.health import get
from sandbox.kubernetes.connection import TIMEOUT, connect
from sandbox.kubernetes.nodegroups import POOL_LABEL
from sandbox.kubernetes.reconcile import GROUP_LABELS
from sandbox.kubernetes.stages import SIMULATED_LABEL
from sandbox.observe import DaemonStatus, status
from sandbox.settings import REPOSITORY, Settings

SCHEMA_VERSION = 1
STYLES = {"running": "green", "starting": "yellow", "restarting": "yellow", "failed": "red", "unavailable": "dim"}


@dataclass(frozen=True)
class NodeGroup:
    """One node group of the emulated EKS, or one node pool of a recorded GKE cluster."""

    cluster: str
    region: str
    name: str
    pool: str | None
    desired: int | None
    """None: its machine's size is unknown, so it has no nodes here."""


@dataclass(frozen=True)
class Node:
    """One Kubernetes node."""

    name: str
    group: str | None
    instance_type: str | None
    zone: str | None
    simulated: bool
    ready: bool


@dataclass(frozen=True)
class Overview:
    """Everything `status` shows. None: nobody could be asked, which is not the same as none."""

    daemons: list[DaemonStatus]
    groups: list[NodeGroup] | None
    nodes: list[Node] | None

    @property
    def healthy(self) -> bool:
        """Whether everything that can run on this machine does."""
        return all(daemon.ready or daemon.state == "unavailable" for daemon in self.daemons)

    def document(self) -> dict[str, Any]:
        """As JSON data."""
        daemons = [{**asdict(daemon), "log": str(daemon.log), "ready": daemon.ready} for daemon in self.daemons]
        return {
            "schema_version": SCHEMA_VERSION,
            "healthy": self.healthy,
            "daemons": daemons,
            "node_groups": None if self.groups is None else [asdict(group) for group in self.groups],
            "nodes": None if self.nodes is None else [asdict(node) for node in self.nodes],
        }


def gather(settings: Settings) -> Overview:
    """Look at everything. Never raises because something does not run."""
    daemons = status(settings)
    ready = {daemon.name for daemon in daemons if daemon.ready}
    return Overview(
        daemons,
        _groups(settings) if "aws" in ready else None,
        _nodes(settings) if "apiserver" in ready else None,
    )


def show(settings: Settings, console: Console) -> bool:
    """Print the overview; returns whether all is well."""
    overview = gather(settings)
    console.print(rendered(overview))
    return overview.healthy


def rendered(overview: Overview) -> Group:
    """The overview as tables."""
    folder = overview.daemons[0].log.parent
    logs = Text(f"logs: {_short(folder)}/<daemon>.log, or `python -m sandbox logs <daemon>`", "dim")
    parts: list[Any] = [_daemon_table(overview.daemons), logs]
    if overview.groups:
        table = _table("node group", "cluster", "region", "pool", "nodes wanted", "nodes ready")
        for group in overview.groups:
            ready = sum(node.ready for node in overview.nodes or [] if node.group == group.name)
            size = "unknown" if group.desired is None else str(group.desired)
            wanted = (group.name, group.cluster, group.region, group.pool or "-", size)
            table.add_row(*wanted, "unknown" if overview.nodes is None else str(ready))
        parts += [Text(), table]
    if overview.nodes:
        table = _table("node", "instance type", "zone", "kind", "state")
        for node in overview.nodes:
            kind = "simulated" if node.simulated else "runs pods"
            state = Text("ready", "green") if node.ready else Text("not ready", "red")
            table.add_row(node.name, node.instance_type or "-", node.zone or "-", kind, state)
        parts += [Text(), table]
    return Group(*parts)


def _daemon_table(daemons: list[DaemonStatus]) -> Table:
    table = _table("daemon", "state", "pid", "port", "for", "detail")
    for daemon in daemons:
        table.add_row(
            daemon.name,
            Text(daemon.state, STYLES.get(daemon.state, "")),
            str(daemon.pid or "-"),
            str(daemon.port or "-"),
            "-" if daemon.uptime is None else duration(daemon.uptime),
            Text("" if daemon.ready else daemon.detail),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column != "detail")
    return table


def duration(seconds: float) -> str:
    """Like 42s, 3m07s, 2h05m."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 1:
        return f"{rest}s"
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def _short(path: Path) -> str:
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else str(path)


def _groups(settings: Settings) -> list[NodeGroup] | None:
    try:
        records = json.loads(get(f"{settings.aws_url}/_sandbox/nodegroups"))["nodegroups"]
    except (OSError, urllib.error.URLError, ValueError, KeyError):
        return None
    groups = [
        NodeGroup(
            record["clusterName"],
            record["region"],
            record["nodegroupName"],
            (record.get("labels") or {}).get(POOL_LABEL),
            record["scalingConfig"]["desiredSize"],
        )
        for record in records
    ]
    return groups + _node_pools(settings)


def _node_pools(settings: Settings) -> list[NodeGroup]:
    """Node pools of recorded clusters."""
    if not (settings.state / "gcp").is_dir():
        return []
    from sandbox.kubernetes import nodepools
    from sandbox.kubernetes.nodegroups import Inventory

    found = Inventory("")
    nodepools.add(found, settings)
    return [
        NodeGroup(
            pool.cluster,
            pool.location,
            pool.name,
            pool.label,
            None if pool.name in found.unknown else sum(node.group == pool.name for node in found.nodes),
        )
        for pool in nodepools.pools(settings)
    ]


def _nodes(settings: Settings) -> list[Node] | None:
    try:
        core: Any = client.CoreV1Api(connect(settings))
        answer = core.list_node(_preload_content=False, _request_timeout=TIMEOUT)
    except (ApiException, HTTPError, OSError):
        return None
    return [_node(item) for item in json.loads(answer.data)["items"]]


def _node(item: dict[str, Any]) -> Node:
    labels: dict[str, str] = item["metadata"].get("labels") or {}
    conditions = item["status"].get("conditions") or []
    return Node(
        item["metadata"]["name"],
        next((labels[name] for name in GROUP_LABELS if name in labels), None),
        labels.get("node.kubernetes.io/instance-type"),
        labels.get("topology.kubernetes.io/zone"),
        SIMULATED_LABEL in labels,
        any(one["type"] == "Ready" and one["status"] == "True" for one in conditions),
    )
