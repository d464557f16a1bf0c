"""Start and stop the daemons of the sandbox; looking at them is in observe.py, its functions can be had here too.

`start` brings everything up and is idempotent; `stop` ends everything and leaves no process; both can be called in any
state, also after supervisord or a daemon was killed. The emulated cloud lives in memory, so the objects of Kubernetes
are removed with it: a start that finds no running sandbox begins with an empty cloud.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from sandbox import daemons, processes, supervisord
from sandbox.daemons import Daemon
from sandbox.kubernetes import binary, bootstrap, pki, stages
from sandbox.observe import READY_LIMIT, DaemonStatus, is_running, known, last_words, reachable, status, wait_ready
from sandbox.settings import Settings
from terminal import UserError, err

__all__ = ["DaemonStatus", "is_running", "reset", "start", "status", "stop", "wait_ready"]
Progress = Callable[[str], None]
CLOUD = ("etcd", "run", "node/pods", "gcp", "gcp-faults.json")
"""What is in the state folder of a running cloud only."""
KEPT_AT_DOWN = ("pki", "logs", "node", "pulumi-home", "supervisor", "kwok.yaml", "simulated-pod.log", "jobset.yaml")


def say(line: str) -> None:
    """Progress for the user, on stderr."""
    err().print(f"local cloud: {line}", style="dim", markup=False)


def start(settings: Settings, progress: Progress = say, extras: Collection[str] = ()) -> None:
    """Bring every daemon up and wait until all answer. Raises UserError: a port is taken, a daemon does not live.

    `extras`: names of optional daemons to start as well; one that runs already goes on in any case.
    """
    table = daemons.table(settings, binary.locate(settings))
    text = supervisord.configuration(settings, table)
    conf = supervisord.folder(settings) / "supervisord.conf"
    with _exclusively(settings, progress):
        # What is written now, running daemons do not know yet.
        changed = [pki.ensure(settings), stages.write(settings), not conf.exists() or conf.read_text("utf-8") != text]
        client = reachable(settings)
        if client and any(changed):
            progress("settings changed: starting the cloud anew")
        if client is None or any(changed):
            _clear(settings, progress)
            _check_ports(settings, _wanted(table, extras))
            pki.write_if_changed(conf, text)
            client = _wait_for_supervisord(settings, supervisord.launch(settings))
        _start_in_order(settings, client, _wanted(table, extras), progress)


def _wanted(table: list[Daemon], extras: Collection[str]) -> list[Daemon]:
    return [daemon for daemon in table if daemon.missing is None and (not daemon.optional or daemon.name in extras)]


def stop(settings: Settings, progress: Progress = say) -> None:
    """End every process of the sandbox and drop the emulated cloud. Fine when nothing runs."""
    with _exclusively(settings, progress):
        _clear(settings, progress)


def reset(settings: Settings, progress: Progress = say) -> list[Path]:
    """Stop, and remove keys, logs and all else the sandbox wrote but Pulumi's state. Returns what was removed."""
    with _exclusively(settings, progress):
        _clear(settings, progress)
        return _remove(settings, KEPT_AT_DOWN)


def _start_in_order(settings: Settings, client: supervisord.Client, table: list[Daemon], progress: Progress) -> None:
    found = known(settings) or {}
    up = {name for name, info in found.items() if info["statename"] in ("RUNNING", "STARTING")}
    idle = [daemon.name for daemon in table if daemon.name not in up]
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
            _grant(settings)
    wait_ready(settings, [daemon.name for daemon in table])


def _grant(settings: Settings) -> None:
    """Make the access rules; the API server may be killed just now, and come back."""
    for last in (False, False, True):
        try:
            return bootstrap.apply(settings)
        except (ApiException, HTTPError) as problem:
            if last:
                why = str(problem).split("\n", maxsplit=1)[0]
                raise UserError(
                    last_words(settings, "apiserver", f"it does not take the access rules: {why}")
                ) from None
            wait_ready(settings, ["apiserver"])
    return None


def _start_one(settings: Settings, client: supervisord.Client, name: str) -> None:
    try:
        client.start(name)
    except supervisord.NotStarted as problem:
        raise UserError(last_words(settings, name, f"it cannot be started: {problem}")) from None
    except supervisord.Unreachable:
        raise UserError(last_words(settings, supervisord.NAME, "it ended")) from None


def _exclusively(settings: Settings, progress: Progress) -> contextlib.AbstractContextManager[None]:
    return processes.exclusively(settings.state / "sandbox.lock", progress)


def _clear(settings: Settings, progress: Progress) -> None:
    """End what runs, in the order that lets pods end well, then whatever is left; remove the emulated cloud."""
    client = reachable(settings)
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
    if client is None and left:
        progress("ending what is left of an earlier run: " + ", ".join(sorted(set(left.values()))))
    # supervisord first, which would start again what is ended under it; then the process node, which ends its pods.
    for name, grace in ((supervisord.NAME, 60.0), ("node", 10.0)):
        processes.end([pid for pid, one in processes.ours(settings).items() if one == name], grace)
    processes.end(processes.ours(settings), grace=2.0)  # an API server without its etcd would hang: nothing to save
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
        if client := reachable(settings):
            return client
        if pid not in processes.ours(settings):
            break
        time.sleep(0.05)
    raise UserError(last_words(settings, supervisord.NAME, "it did not start"))
