"""Start, stop and look at the daemons of the sandbox.

`start` brings everything up and is idempotent; `stop` ends everything and leaves no process; both can be called in any
state, also after supervisord or a daemon was killed. The emulated cloud lives in memory, so the objects of Kubernetes
are removed with it: a start that finds no running sandbox begins with an empty cloud.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import daemons, health, logs, processes, supervisord
from sandbox.daemons import Daemon
from sandbox.kubernetes import binary, bootstrap, pki, stages
from sandbox.settings import Settings
from terminal import UserError, err

Progress = Callable[[str], None]
READY_LIMIT = 120.0
"""Seconds until a daemon that does not get ready is a failure. A full start takes about 6 on two idle cores."""
DEATHS = 2
"""So many ends of one daemon while we wait for it are not an accident."""
LOG_LINES = 12
CLOUD = ("etcd", "run", "node/pods", "kwok.yaml", "simulated-pod.log")
"""What is in the state folder of a running cloud only."""
KEPT_AT_DOWN = ("pki", "logs", "node", "pulumi-home", "supervisor")
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


def say(line: str) -> None:
    """Progress for the user, on stderr."""
    err().print(f"local cloud: {line}", style="dim", markup=False)


def start(settings: Settings, progress: Progress = say) -> None:
    """Bring every daemon up and wait until all answer. Raises UserError: a port is taken, a daemon does not live."""
    table = daemons.table(settings, binary.locate(progress))
    with _exclusively(settings, progress):
        text = supervisord.configuration(settings, table)
        conf = supervisord.folder(settings) / "supervisord.conf"
        same = conf.exists() and conf.read_text(encoding="utf-8") == text
        renewed = pki.ensure(settings) if same and _client(settings) else True
        client = _client(settings)
        if client and (renewed or not same):
            progress("settings changed: starting the cloud anew")
            client = None
        if client is None:
            _clear(settings, progress)
            _check_ports(settings, table)
            pki.write_if_changed(conf, text)
            pid = supervisord.launch(settings)
            pki.ensure(settings)
            stages.write(settings)
            client = _wait_for_supervisord(settings, pid)
        _start_in_order(settings, client, [d for d in table if d.missing is None], progress)


def stop(settings: Settings, progress: Progress = say) -> None:
    """End every process of the sandbox and drop the emulated cloud. Fine when nothing runs."""
    with _exclusively(settings, progress):
        _clear(settings, progress)


def reset(settings: Settings, progress: Progress = say) -> list[Path]:
    """Stop, and remove keys, logs and all else the sandbox wrote but Pulumi's state. Returns what was removed."""
    with _exclusively(settings, progress):
        _clear(settings, progress)
        return _remove(settings, KEPT_AT_DOWN)


def is_running(settings: Settings) -> bool:
    """Whether the sandbox was started and not stopped; single daemons may still be down, see `status`."""
    return _client(settings) is not None


def status(settings: Settings) -> list[DaemonStatus]:
    """What runs now. Never raises because something does not run."""
    table = daemons.table(settings, lambda component: [component])
    known = _known(settings) or {}
    with ThreadPoolExecutor(len(table)) as pool:
        return list(pool.map(lambda daemon: _status_of(settings, daemon, known.get(daemon.name)), table))


def wait_ready(settings: Settings, names: Iterable[str], limit: float = READY_LIMIT) -> None:
    """Wait until the named daemons answer.

    Raises UserError with the last lines of its log when one dies again and again, or does not get ready in time.
    """
    waiting = list(names)
    pids: dict[str, set[int]] = {name: set() for name in waiting}
    end = time.monotonic() + limit
    while waiting:
        known = _known(settings)
        if known is None:
            raise UserError(_last_words(settings, supervisord.NAME, "it ended"))
        problems: dict[str, str] = {}
        for name in waiting:
            info = known.get(name) or {}
            pids[name].add(info.get("pid") or 0)
            if info.get("statename") == "FATAL" or len(pids[name] - {0}) > DEATHS:
                raise UserError(_last_words(settings, name, info.get("spawnerr") or "it ends again and again"))
            if problem := _problem(settings, name, info):
                problems[name] = problem
        waiting = list(problems)
        if waiting and time.monotonic() > end:
            raise UserError([_last_words(settings, name, problems[name]) for name in waiting])
        if waiting:
            time.sleep(0.1)


def _start_in_order(settings: Settings, client: supervisord.Client, table: list[Daemon], progress: Progress) -> None:
    known = _known(settings) or {}
    idle = [
        daemon.name for daemon in table if known.get(daemon.name, {}).get("statename") not in ("RUNNING", "STARTING")
    ]
    if idle:
        progress("starting " + ", ".join(idle))
    for phase in (0, 1, 2):
        for daemon in table:
            if daemon.phase == phase:
                _start_one(settings, client, daemon.name)
        if phase == 0:
            # Earlier, the controller manager would end at once: the access rules it needs are made by the API server.
            wait_ready(settings, ["apiserver"])
        elif phase == 1:
            bootstrap.apply(settings)
    wait_ready(settings, [daemon.name for daemon in table])


def _start_one(settings: Settings, client: supervisord.Client, name: str) -> None:
    try:
        client.start(name)
    except supervisord.NotStarted as problem:
        raise UserError(_last_words(settings, name, f"it cannot be started: {problem}")) from None
    except supervisord.Unreachable:
        raise UserError(_last_words(settings, supervisord.NAME, "it ended")) from None


def _exclusively(settings: Settings, progress: Progress) -> contextlib.AbstractContextManager[None]:
    return processes.exclusively(supervisord.folder(settings) / "lock", progress)


def _client(settings: Settings) -> supervisord.Client | None:
    """A client of the running supervisord of this sandbox, None when there is none."""
    client = supervisord.Client(settings)
    try:
        client.pid()
    except supervisord.Unreachable:
        return None
    return client


def _known(settings: Settings) -> dict[str, dict[str, Any]] | None:
    """What supervisord knows of each daemon, None when it does not run."""
    try:
        return supervisord.Client(settings).processes()
    except supervisord.Unreachable:
        return None


def _clear(settings: Settings, progress: Progress) -> None:
    """End what runs, in the order that lets pods end well, then whatever is left; remove the emulated cloud."""
    client = _client(settings)
    if client:
        progress("stopping the daemons")
        with contextlib.suppress(supervisord.Unreachable):
            # The process node first and alone: it needs the API server to report how its pods ended.
            client.stop("node", wait=True)
            for name in set(client.processes()) - {"apiserver", "etcd"}:
                client.stop(name, wait=False)
            client.stop("apiserver", wait=True)  # without its etcd it would hang until it is killed
            client.stop("etcd", wait=True)
            client.shutdown()
    left = processes.ours(settings)
    supervisors = [pid for pid, name in left.items() if name == supervisord.NAME]
    if client is None and left:
        progress("ending what is left of an earlier run: " + ", ".join(sorted(set(left.values()))))
    # supervisord first: it would start again what is ended under it.
    processes.end(supervisors, grace=60)
    processes.end(processes.ours(settings))
    supervisord.socket_path(settings).unlink(missing_ok=True)
    _remove(settings, CLOUD)


def _remove(settings: Settings, names: Iterable[str]) -> list[Path]:
    """Remove from the state folder by name: AIDC_STATE may be set to a folder with other things in it."""
    removed = [settings.state / name for name in names if (settings.state / name).exists()]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return removed


def _check_ports(settings: Settings, table: list[Daemon]) -> None:
    problems = []
    for daemon in table:
        for name in daemon.ports if daemon.missing is None else ():
            port = settings.ports[name]
            if not processes.is_free(port):
                problems.append(
                    f"port {port}, needed by {daemon.name}, is taken by {processes.owner(port) or 'an unknown process'}"
                )
    if problems:
        other = processes.free_block(settings.port + 100, 10)
        hint = f"AIDC_PORT={other} (ten free ports)" if other else "AIDC_PORT to the first of ten free ports"
        raise UserError([f"{problem}: end that process or set {hint}" for problem in problems])


def _wait_for_supervisord(settings: Settings, pid: int) -> supervisord.Client:
    end = time.monotonic() + READY_LIMIT
    while time.monotonic() < end:
        if client := _client(settings):
            return client
        if pid not in processes.ours(settings):
            break
        time.sleep(0.05)
    raise UserError(_last_words(settings, supervisord.NAME, "it did not start"))


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


def _last_words(settings: Settings, name: str, why: str) -> str:
    log = supervisord.log_path(settings, name)
    lines = "".join(f"\n    {line}" for line in logs.tail(log, LOG_LINES))
    return f"{name} does not work ({why}); the end of {log}:{lines or ' (nothing)'}"
