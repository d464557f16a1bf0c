"""What the daemons are doing: one line each, and waiting until they answer."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import daemons, health, logs, supervisord
from sandbox.daemons import Daemon
from sandbox.settings import Settings
from terminal import UserError

READY_LIMIT = 120.0
"""Seconds until a daemon that does not get ready is a failure. A full start takes about 6 on two idle cores."""
DEATHS = 4
"""More ends of one daemon while we wait for it are not an accident. Some are: a controller manager ends at once while
the API server is being restarted. With supervisord's growing pauses this takes about ten seconds."""
LOG_LINES = 12
STATES = {
    "STARTING": "starting", "RUNNING": "running", "BACKOFF": "restarting", "STOPPING": "stopping", "EXITED": "stopped",
    "FATAL": "failed", "STOPPED": "stopped",
}  # fmt: skip


@dataclass(frozen=True)
class DaemonStatus:
    """One line of `status`."""

    name: str
    state: str
    """running, starting, restarting, stopping, stopped, failed, or unavailable (not for this machine)."""
    pid: int | None
    uptime: float | None
    """Seconds since its last start."""
    port: int | None
    log: Path
    detail: str
    """"ready", or why not, in a few words."""

    @property
    def ready(self) -> bool:
        return self.state == "running" and self.detail == "ready"


def is_running(settings: Settings) -> bool:
    """Whether the sandbox was started and not stopped; single daemons may still be down, see `status`."""
    return reachable(settings) is not None


def status(settings: Settings) -> list[DaemonStatus]:
    """What runs now, without what no stack has asked for. Never raises because something does not run."""
    found = known(settings) or {}
    table = [daemon for daemon in _table(settings) if not (daemon.optional and is_idle(found.get(daemon.name)))]
    with ThreadPoolExecutor(len(table)) as pool:
        return list(pool.map(lambda daemon: _status_of(settings, daemon, found.get(daemon.name)), table))


def wait_ready(settings: Settings, names: Iterable[str] | None = None, limit: float = READY_LIMIT) -> None:
    """Wait until the named daemons answer, or all that can run here.

    Raises UserError with the last lines of its log when one dies again and again, or does not get ready in time.
    """
    waiting = [one.name for one in status(settings) if one.state != "unavailable"] if names is None else list(names)
    pids: dict[str, set[int]] = {name: set() for name in waiting}
    end = time.monotonic() + limit
    while waiting:
        found = known(settings)
        if found is None:
            raise UserError(last_words(settings, supervisord.NAME, "it ended"))
        problems: dict[str, str] = {}
        for name in waiting:
            info = found.get(name) or {}
            pids[name].add(info.get("pid") or 0)
            if info.get("statename") == "FATAL" or len(pids[name] - {0}) > DEATHS:
                raise UserError(last_words(settings, name, info.get("spawnerr") or "it ends again and again"))
            if problem := _problem(settings, name, info):
                problems[name] = problem
        waiting = list(problems)
        if waiting and time.monotonic() > end:
            raise UserError([last_words(settings, name, problems[name]) for name in waiting])
        if waiting:
            time.sleep(0.1)


def _table(settings: Settings) -> list[Daemon]:
    """The daemons without their programs: enough for looking at them."""
    return daemons.table(settings, lambda component: [component])


def reachable(settings: Settings) -> supervisord.Client | None:
    """A client of the running supervisord of this sandbox, None when there is none."""
    client = supervisord.Client(settings)
    try:
        client.pid()
    except supervisord.Unreachable:
        return None
    return client


def known(settings: Settings) -> dict[str, dict[str, Any]] | None:
    """What supervisord knows of each daemon, None when it does not run."""
    try:
        return supervisord.Client(settings).processes()
    except supervisord.Unreachable:
        return None


def is_idle(info: dict[str, Any] | None) -> bool:
    """Whether a daemon was not started, or was stopped on purpose."""
    return info is None or info["statename"] in ("STOPPED", "STOPPING")


def _status_of(settings: Settings, daemon: Daemon, info: dict[str, Any] | None) -> DaemonStatus:
    log = supervisord.log_path(settings, daemon.name)
    port = settings.ports[daemon.ports[0]] if daemon.ports else None
    if daemon.missing:
        return DaemonStatus(daemon.name, "unavailable", None, None, None, log, daemon.missing)
    if info is None:
        return DaemonStatus(daemon.name, "stopped", None, None, port, log, "")
    state = STATES.get(info["statename"], "unknown")
    running = info["statename"] in ("RUNNING", "STARTING")
    detail = _problem(settings, daemon.name, info) or "ready"
    return DaemonStatus(
        daemon.name,
        "running" if detail == "ready" else state,
        info["pid"] or None,
        float(info["now"] - info["start"]) if running else None,
        port,
        log,
        detail,
    )


def _problem(settings: Settings, name: str, info: dict[str, Any]) -> str | None:
    """Why a daemon is not ready, None when it is: ready is one that answers, whatever supervisord calls it."""
    if not info:
        return "supervisord does not know it"
    if info["statename"] not in ("RUNNING", "STARTING"):
        last = (logs.tail(supervisord.log_path(settings, name), 1) or [""])[0].strip()
        return (f"{info.get('spawnerr') or 'ended'}: {last}" if last else info.get("spawnerr")) or "not running"
    return health.ask(name, info["pid"], settings)


def last_words(settings: Settings, name: str, why: str) -> str:
    """Why a daemon does not work, and the end of its log."""
    log = supervisord.log_path(settings, name)
    lines = "".join(f"\n    {line}" for line in logs.tail(log, LOG_LINES))
    return f"{name} does not work ({why}); the end of {log}:{lines or ' (nothing)'}"
