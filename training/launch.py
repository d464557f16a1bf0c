"""Starts a program on one pod of a job, with torchrun where it has several processes, and tells how the run ended.

    python -m training.launch --restarts 3 --result /volume/x -- training.train --preset bloom-560m --output /volume/x

Rank and addresses come from the Indexed Job (JOB_COMPLETION_INDEX, WORLD_SIZE, MASTER_ADDR, MASTER_PORT). Before the
start the settings are checked (`--check`: a flag of the program that only checks) and the name of rank 0 is waited for,
both bounded. Afterwards rank 0 writes what the run left into its ConfigMap. With `--drill` the run also has to stand
the death of a process, and its model has to answer (`training.drill`).

Exit codes: those of the program; 1 when rank 0's pod cannot be found, 2 for wrong settings. Standard library only.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import configmap, drill

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
WRONG_SETTINGS = 2


@dataclass(frozen=True)
class Place:
    """This pod among the others."""

    index: int
    pods: int
    master: str
    port: int

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Place:
        return cls(
            index=int(env.get("JOB_COMPLETION_INDEX") or 0),
            pods=int(env.get("WORLD_SIZE") or 1),
            master=env.get("MASTER_ADDR") or "127.0.0.1",
            port=int(env.get("MASTER_PORT") or 29500),
        )

    @property
    def own_name(self) -> str:
        """This pod's name among the pods: rank 0's with our index. Pods are `<job>-<index>.<service>`."""
        pod, dot, service = self.master.partition(".")
        return f"{pod.rpartition('-')[0]}-{self.index}.{service}" if dot else self.master


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="launch", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--restarts", type=int, default=0, help="how often dead processes are started again in place")
    parser.add_argument("--wait-seconds", type=float, default=600, help="how long the other pods are waited for")
    parser.add_argument("--check", help="a flag with which the program checks its settings and ends")
    parser.add_argument("--result", help="folder of the run: what is in it is told at the end")
    parser.add_argument("--drill", action="store_true", help="kill a process, and ask the model (needs --result)")
    parser.add_argument("--each", action="store_true", help="every pod tells its result, the last one stays")
    parser.add_argument("--alone", action="store_true", help="the program finds its ranks by itself: no torchrun")
    parser.add_argument("program", nargs="+", help="a module and its arguments, after --")
    given = parser.parse_args(arguments)
    if given.drill and not given.result:
        parser.error("--drill needs --result, the folder of the run")
    place = Place.of(os.environ)
    if given.check and subprocess.run([sys.executable, "-m", *given.program, given.check], check=False,
                                      stdout=subprocess.DEVNULL).returncode == WRONG_SETTINGS:  # fmt: skip
        return WRONG_SETTINGS
    try:
        wait_for(place.master, given.wait_seconds)
    except TimeoutError as late:
        sys.stderr.write(f"error: {late}\n")
        return 1
    started = now()
    folder = Path(given.result) if given.result else None
    drilled = folder if given.drill else None
    fault = (lambda pid: drill.Kill(drilled, pid).start()) if drilled and place.index == place.pods - 1 else None
    code, said = run(command(place, given.program, given.restarts, given.wait_seconds, alone=given.alone), fault)
    if place.index == 0 or given.each:
        result = {**summary(folder, code, started), "program": given.program, "result": said}
        if drilled:
            result["drill"] = drill.account(drilled) | {
                "answer": drill.answer(drilled / "export") if not code else None
            }
        tell(result)
    return code


def wait_for(host: str, seconds: float) -> None:
    """Until the name can be resolved: DNS follows pods with a delay. Raises TimeoutError."""
    end, pause = time.monotonic() + seconds, FIRST_PAUSE
    while True:
        try:
            socket.getaddrinfo(host, None)
            return
        except OSError as problem:
            if time.monotonic() + pause > end:
                raise TimeoutError(f"rank 0 ({host}) has no address after {seconds:g} s: {problem}") from None
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def processes(env: Mapping[str, str] = os.environ) -> int:
    """Processes of this pod: as told, else one a GPU, else one."""
    if told := env.get("LAUNCH_PROCESSES"):
        return int(told)
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()]) or 1


def command(place: Place, program: list[str], restarts: int, wait_seconds: float, *, alone: bool) -> list[str]:
    """The program itself, or torchrun with it.

    Rank 0's pod hosts the rendezvous, said and not guessed: torchrun guesses by comparing host names, and a short name
    against a full one hangs (pytorch/pytorch#73656).
    """
    if alone:
        return [sys.executable, "-m", *program]
    settings = f"is_host={int(place.index == 0)},join_timeout={wait_seconds:g},read_timeout={wait_seconds:g}"
    return [
        sys.executable, "-m", "torch.distributed.run", f"--nnodes={place.pods}", f"--nproc-per-node={processes()}",
        "--rdzv-backend=c10d", f"--rdzv-endpoint={place.master}:{place.port}", f"--rdzv-conf={settings}",
        f"--rdzv-id={place.master.partition('.')[0]}", f"--local-addr={place.own_name}",
        f"--max-restarts={restarts}", "-m", *program,
    ]  # fmt: skip


def run(arguments: list[str], started: Callable[[int], None] | None = None) -> tuple[int, dict[str, Any] | None]:
    """Run to its end, passing on its output and requests to stop. `started` is told the pid.

    Returns the exit code (of the program, also where torchrun makes 1 of it; 128 + number for a signal) and the last
    JSON object that stood on a line of its output.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "code"
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, text=True, env={**os.environ, "EXIT_CODE_FILE": str(file)}
        )
        if started:
            started(process.pid)
        threading.Thread(target=_end_on_wrong_settings, args=(process, file), daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _: process.send_signal(got))
        said: dict[str, Any] | None = None
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.startswith("{"):
                said = _parsed(line) or said
        code = process.wait()
        return code and (_code_left(file) or (code if code > 0 else 128 - code)), said


def _end_on_wrong_settings(process: subprocess.Popen[str], file: Path) -> None:
    """No restart mends wrong settings, so torchrun need not try."""
    while process.poll() is None:
        if _code_left(file) == WRONG_SETTINGS:
            process.terminate()
            return
        time.sleep(FIRST_PAUSE)


def _code_left(file: Path) -> int | None:
    """What the processes of the last life ended with (`errors.leave_code`); None when none has said so."""
    lives = {int(one.suffix[1:]): one for one in file.parent.glob(f"{file.name}.*")}
    text = lives[max(lives)].read_text(encoding="ascii") if lives else ""
    return int(text) if text else None  # empty: it is being written


def summary(folder: Path | None, code: int, started: str) -> dict[str, Any]:
    """What the run left: its last step, its checkpoints, its export. What is not there is None or empty."""
    steps = list(drill.records(folder / "metrics.jsonl")) if folder else []
    return {
        "schema_version": 1,
        "kind": "training-run",
        "exit_code": code,
        "started": started,
        "finished": now(),
        "last": steps[-1] if steps else None,
        "checkpoints": _names(folder / "checkpoints") if folder else [],
        "export": _names(folder / "export") if folder else [],
    }


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None  # cut short by the end of the process


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def tell(result: dict[str, Any]) -> None:
    """Into the ConfigMap of the job. A run that ended well is not failed by it."""
    if not (name := os.environ.get("RESULT_CONFIGMAP")):
        return
    try:
        configmap.write(name, result)
    except configmap.WriteError as problem:
        sys.stderr.write(f"warning: {problem}\n")


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


if __name__ == "__main__":
    raise SystemExit(main())
