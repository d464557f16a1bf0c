"""supervisord as the keeper of the daemons: its configuration file, its start, and the calls to it.

Only what is special about supervisord is here; which daemons there are is in daemons.py, what `up` and `down` do with
them in supervisor.py. It is controlled over a unix socket that only this user can open.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from sandbox import processes
from sandbox.daemons import Daemon
from sandbox.settings import REPOSITORY, Settings

NAME = "supervisord"
SOCKET_PATH_LIMIT = 100
"""Longest path of a unix socket: 103 bytes on macOS, 107 on Linux, and supervisord adds a suffix of its own first."""
KEPT_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ", "XDG_CACHE_HOME", "VIRTUAL_ENV")
"""What the daemons see of the user's environment. Not: credentials, proxies, kubeconfigs, PYTHON*."""
START_SECONDS = 2
"""A daemon that ends sooner is started again with growing pauses, one that ends later at once."""
START_RETRIES = 20
"""The pauses are 1, 2, 3 ... seconds: about 3 minutes until supervisord gives up (FATAL)."""


class Unreachable(Exception):
    """supervisord does not answer on its socket."""


class NotStarted(Exception):
    """supervisord could not start a program; the text is its word for why."""


def folder(settings: Settings) -> Path:
    return settings.state / "supervisor"


def socket_path(settings: Settings) -> Path:
    """Beside the configuration, or in the folder for temporary files when that path is too long for a socket."""
    path = folder(settings) / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(settings.state)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"aidc-{os.getuid()}-{digest}.sock"


def log_path(settings: Settings, name: str) -> Path:
    return settings.logs / f"{name}.log"


def configuration(settings: Settings, daemons: list[Daemon]) -> str:
    """The text of supervisord.conf. Nothing starts by itself: supervisor.py starts in the right order."""

    def quoted(text: object) -> str:
        # supervisord expands %(name)s in every value.
        return str(text).replace("%", "%%")

    lines = [
        "[unix_http_server]",
        f"file={quoted(socket_path(settings))}",
        "chmod=0700",
        "[supervisord]",
        "nodaemon=true",
        "silent=true",
        f"logfile={quoted(log_path(settings, NAME))}",
        "logfile_maxbytes=1MB",
        "logfile_backups=1",
        f"pidfile={quoted(folder(settings) / 'supervisord.pid')}",
        f"childlogdir={quoted(settings.logs)}",
        f"directory={quoted(REPOSITORY)}",
        *(["user=root"] if os.geteuid() == 0 else []),
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for order, daemon in enumerate(d for d in daemons if d.missing is None):
        lines += [
            f"[program:{daemon.name}]",
            f"command={quoted(shlex.join(daemon.command))}",
            f'environment={processes.NAME_VARIABLE}="{daemon.name}"',
            f"priority={order}",
            "autostart=false",
            "autorestart=true",
            f"startsecs={START_SECONDS}",
            f"startretries={START_RETRIES}",
            f"stopsignal={daemon.stop_signal}",
            f"stopwaitsecs={daemon.stop_wait}",
            "redirect_stderr=true",
            f"stdout_logfile={quoted(log_path(settings, daemon.name))}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
        ]
    return "\n".join(lines) + "\n"


def environment(settings: Settings) -> dict[str, str]:
    """The environment of supervisord, which its daemons inherit."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        processes.NAME_VARIABLE: NAME,
        processes.STATE_VARIABLE: str(settings.state),
        "AIDC_CACHE": str(settings.cache),
        "AIDC_PORT": str(settings.port),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
    }


def launch(settings: Settings) -> int:
    """Start supervisord in a session of its own, so that ctrl-C in a terminal does not reach it. Returns its pid."""
    settings.logs.mkdir(parents=True, exist_ok=True)
    for log in settings.logs.glob("*.log"):
        log.replace(f"{log}.1")  # supervisord's own name of a rotated log: what an error shows is of this run
    path = folder(settings) / "supervisord.conf"
    with (folder(settings) / "supervisord.out").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=REPOSITORY,
            env=environment(settings),
        )
    return process.pid


class Client:
    """Calls to a running supervisord. Every method raises Unreachable when it is not there."""

    def __init__(self, settings: Settings) -> None:
        self._transport = SupervisorTransport(None, None, f"unix://{socket_path(settings)}")
        self._rpc: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=self._transport).supervisor

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            return getattr(self._rpc, method)(*arguments)
        except xmlrpc.client.Fault:
            raise
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise Unreachable(str(error)) from error
        finally:
            # The transport keeps its connection and does not notice that supervisord has closed it.
            self._transport.close()

    def pid(self) -> int:
        return self._call("getPID")

    def processes(self) -> dict[str, dict[str, Any]]:
        """Name -> what supervisord knows: statename, pid, start, now, spawnerr, exitstatus, ..."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def start(self, name: str) -> None:
        """Start it unless it runs; returns at once. Raises NotStarted when its program cannot be executed."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise NotStarted(fault.faultString) from fault

    def stop(self, name: str, wait: bool) -> None:
        """SIGTERM it unless it is stopped; with `wait`, return when it is gone."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("stopProcess", name, wait)

    def shutdown(self) -> None:
        """End supervisord, which stops whatever still runs."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call("shutdown")
