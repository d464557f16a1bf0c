from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from sandbox import daemons
from sandbox.observe import DaemonStatus
from sandbox.overview import Node, NodeGroup, Overview, duration, rendered
from sandbox.settings import Settings


def daemon(name: str, state: str = "running", detail: str = "ready") -> DaemonStatus:
    return DaemonStatus(name, state, 12, 65.0, 16440, Path("/state/logs") / f"{name}.log", detail)


def text(overview: Overview) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(rendered(overview))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


GROUP = NodeGroup("dc", "us-east-1", "h100", "h100", 2)
NODES = [Node(f"h100-{index}", "h100", "p5.48xlarge", "us-east-1a", True, index == 0) for index in range(2)]


def test_what_this_machine_cannot_run_is_not_a_failure_but_is_told() -> None:
    overview = Overview([daemon("etcd"), daemon("node", "unavailable", "pods as processes need Linux")], [], [])
    assert overview.healthy
    assert "pods as processes need Linux" in text(overview)


@pytest.mark.parametrize(
    ("state", "detail"), [("stopped", ""), ("restarting", "ended: boom"), ("running", "answers 500")]
)
def test_a_daemon_that_does_not_answer_is_a_failure(state: str, detail: str) -> None:
    overview = Overview([daemon("etcd"), daemon("aws", state, detail)], None, None)
    assert not overview.healthy
    assert detail in text(overview)


def test_ready_nodes_are_counted_per_group() -> None:
    line = next(line for line in text(Overview([daemon("etcd")], [GROUP], NODES)).splitlines() if "us-east-1 " in line)
    assert line.split() == ["h100", "dc", "us-east-1", "h100", "2", "1"]


def test_nodes_that_nobody_could_ask_for_are_unknown_and_not_none() -> None:
    overview = Overview([daemon("etcd")], [GROUP], None)
    assert "unknown" in text(overview)
    assert json.loads(json.dumps(overview.document()))["nodes"] is None


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0s"), (59, "59s"), (60, "1m00s"), (3599, "59m59s"), (7500, "2h05m")]
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_every_daemon_is_in_the_table_once_and_has_a_name_for_its_port() -> None:
    settings = Settings(Path("/state"), Path("/cache"), 20000)
    table = daemons.table(settings, lambda component: [component])
    assert [one.name for one in table] == daemons.names()
    ports = [port for one in table for port in one.ports]
    assert sorted(ports) == sorted(settings.ports), "each port has one daemon"
    assert [one.phase for one in table] == sorted(one.phase for one in table)
