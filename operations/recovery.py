"""What an interrupted or forgotten command left behind, and how the next one goes on.

A killed engine leaves a lock, pending operations and objects that nobody manages; a local cloud that was restarted has
forgotten what the state still lists. For a local stack everything is put right without a question, because everything
in it can be made again; for a stack in a real cloud it is only reported.
"""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from operations import checkpoint, engine, leftovers
from operations.stack import Stack
from terminal import UserError, err


@dataclass
class Findings:
    """What recovery found. `refresh`: the state must be compared with the cloud before the next update."""

    dead_locks: list[Path] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    restarted: bool = False
    outdated: bool = False

    @property
    def refresh(self) -> bool:
        return self.restarted or self.outdated or bool(self.pending)

    def lines(self) -> list[str]:
        """One line for each finding."""
        lines = [f"a lock of a command that no longer runs: {path.name}" for path in self.dead_locks]
        lines += [f"an operation that was never finished: {entry}" for entry in self.pending]
        lines += ["a state that may be older than the cloud"] if self.outdated else []
        return lines + (["the local cloud was restarted and has lost its state"] if self.restarted else [])


def inspect(stack: Stack, state: Mapping[str, Any] | None) -> Findings:
    """Look for leftovers. Raises `UserError` when a live command holds the stack."""
    findings = Findings(dead_locks=_dead_locks(stack), outdated=checkpoint.is_outdated(stack))
    deployment = (state or {}).get("deployment") or {}
    operations = deployment.get("pending_operations") or []
    findings.pending = [f"{entry['type']} {entry['resource']['urn']}" for entry in operations]
    if stack.is_local:
        managed = any(resource.get("custom") for resource in deployment.get("resources") or [])
        findings.restarted = managed and boot_id(stack) != remembered_boot(stack)
    return findings


def release(stack: Stack, findings: Findings) -> None:
    """Remove locks whose owners are dead."""
    if findings.dead_locks:
        engine.read(stack, "cancel", "--yes", "--stack", stack.name)


def repair(stack: Stack, findings: Findings) -> None:
    """Bring the state of a local stack in line with its cloud: forget what is gone, remove what nobody manages.

    Objects are known to be the stack's by the URN that the local providers write on them.
    """
    if not findings.refresh:
        return
    arguments = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack.name]
    environment = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"} if findings.restarted else {}
    code = engine.show(stack, *arguments, environment=environment)
    if code:
        raise engine.failed(code, "bringing the state in line with the local cloud")
    resources = engine.export(stack)["deployment"].get("resources") or []
    managed = [(resource["urn"], resource.get("id", "")) for resource in resources]
    leftovers.remove_unmanaged(stack, managed)
    checkpoint.compared(stack)


def boot_id(stack: Stack) -> str:
    """The identity of the running local AWS API: a new one after each start, because it keeps everything in memory."""
    try:
        with urllib.request.urlopen(f"{stack.settings.aws_url}/_sandbox/health", timeout=5) as answer:  # noqa: S310
            return str(json.load(answer)["boot_id"])
    except (urllib.error.URLError, OSError, ValueError, KeyError) as error:
        raise UserError(f"the local AWS API at {stack.settings.aws_url} does not answer: {error}") from None


def remember_boot(stack: Stack) -> None:
    """Note which start of the local cloud the state belongs to."""
    path = _boot_file(stack)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(boot_id(stack), encoding="utf-8")
    os.replace(temporary, path)


def remembered_boot(stack: Stack) -> str:
    """The start of the local cloud that the state belongs to, or nothing."""
    path = _boot_file(stack)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _boot_file(stack: Stack) -> Path:
    return stack.settings.state / "boot" / stack.name


def _dead_locks(stack: Stack) -> list[Path]:
    """Locks of the file backend whose process is gone; other backends keep their locks elsewhere."""
    dead = []
    for path in (stack.settings.backend / ".pulumi" / "locks").rglob("*.json") if stack.is_local else ():
        if f"/{stack.name}/" not in str(path):
            continue
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            owner = {}
        pid = int(owner.get("pid") or 0)
        if pid and _alive(pid) and not _end_orphan(pid):
            raise UserError(f"stack {stack.name}: a Pulumi command is at work on it (pid {pid}); wait for it to end")
        if path.exists():
            dead.append(path)
    return dead


def _end_orphan(pid: int) -> bool:
    """End an engine whose command of ours was killed; it finishes what is under way. False: somebody waits for it."""
    try:
        engine_process = psutil.Process(pid)
        command = engine_process.environ().get(engine.OWNER_VARIABLE)
        if command is None or engine_process.ppid() == int(command):
            return False
        err().print(f"ending the engine of a command that was killed (pid {pid})", style="yellow", markup=False)
        engine_process.send_signal(signal.SIGINT)
        engine_process.wait()
    except psutil.NoSuchProcess:
        return True
    except (psutil.Error, ValueError):
        return False
    return True


def _alive(pid: int) -> bool:
    """Whether the process runs and is a Pulumi engine: a pid may have been given to another program since."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    return b"pulumi" in command.split(b"\0", 1)[0]
