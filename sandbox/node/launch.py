"""The paper that passes between the agent and the shim of one container: what to run, and how it went.

Both sides live on when the other dies, so everything is in files of the attempt's folder, written atomically:
`launch.json` (agent), `shim.json`, `running.json`, `exit.json`, `log` (shim). Plain data, standard library only.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.node.linux import Process

LAUNCH, SHIM, RUNNING, EXIT, LOG = "launch.json", "shim.json", "running.json", "exit.json", "log"
TERMINATION_LOG = "termination-log"


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine shown inside the container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Launch:
    """Everything a shim needs to start one container."""

    argv: list[str]
    environment: dict[str, str]
    directory: str
    hostname: str
    mounts: list[Mount]
    masked: list[str]
    """Folders of this machine that the container sees empty: keys, homes, sockets."""
    user: int
    group: int
    groups: list[int]
    capabilities: list[int] | None
    """Capability numbers a root program may use; None for all of them (privileged)."""
    new_privileges: bool
    read_only_root: bool
    node_network: int | None
    """Inherited descriptor of the network namespace the shim itself stays in, so that the pod's cable has its other
    end as long as any container lives; None when pods share this machine's network."""
    pod_network: int | None
    agent_lock: str
    """File the agent keeps locked while it lives."""
    orphan_seconds: float
    """How long a container outlives its agent before its shim ends it."""
    grace_seconds: float

    @classmethod
    def read(cls, folder: Path) -> Launch:
        data = json.loads((folder / LAUNCH).read_text(encoding="utf-8"))
        return cls(**data | {"mounts": [Mount(**mount) for mount in data["mounts"]]})

    def write(self, folder: Path) -> None:
        write_json(folder / LAUNCH, asdict(self))


@dataclass(frozen=True)
class Outcome:
    """How a container ended."""

    exit_code: int
    """As a container runtime reports it: 128 + signal number for a program ended by a signal."""
    reason: str
    message: str
    started_at: str | None
    finished_at: str

    @classmethod
    def read(cls, folder: Path) -> Outcome | None:
        data = read_json(folder / EXIT)
        return None if data is None else cls(**data)

    def write(self, folder: Path) -> None:
        write_json(folder / EXIT, asdict(self))


def claim(folder: Path, process: Process | None) -> bool:
    """Write `shim.json` unless somebody has. The shim claims the attempt with its own identity, an agent that comes
    back with None: whoever is first decides whether the container starts."""
    temporary = folder / f".{SHIM}.{os.getpid()}"
    temporary.write_text(json.dumps(process and asdict(process)), encoding="utf-8")
    try:
        os.link(temporary, folder / SHIM)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def shim(folder: Path) -> Process | None:
    """The shim that claimed this attempt."""
    data = read_json(folder / SHIM)
    return None if data is None else Process(**data)


def started_at(folder: Path) -> str | None:
    """When the program was executed, RFC 3339; None when it has not been."""
    data = read_json(folder / RUNNING)
    return None if data is None else data["started_at"]


def write_json(path: Path, data: Any) -> None:
    """Write atomically, readable by the owner only: environments hold secrets."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file)
    temporary.replace(path)


def read_json(path: Path) -> Any:
    """The file's content; None when there is no such file."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text(encoding="utf-8"))
    return None


def now() -> str:
    """The time in UTC, RFC 3339 with microseconds, as Kubernetes writes it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
