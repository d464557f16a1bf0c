"""Runs of the trainer in processes of their own, started in a fraction of a second.

PyTorch is imported once, by a fork server; each rank is a fork of it that runs the real command with real flags. So a
rank can be killed, run out of disk or be asked to stop, and its two streams and exit code are those of the command.
"""

from __future__ import annotations

import importlib
import itertools
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests import ports

PATIENCE_S = 300.0
"""After which a run that has not ended is a failure of the test."""
NUMBERS = itertools.count()
"""Every process has logs of its own."""


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training_torch.preloaded"])
    return context


@dataclass
class Trial:
    """One run: its ranks, and what they left."""

    output: Path
    ranks: list[BaseProcess]
    logs: list[Path]
    codes: list[int | None] = field(default_factory=list)

    def wait(self) -> Trial:
        """Until every rank has ended. Raises TimeoutError and ends them when one does not."""
        end = time.monotonic() + PATIENCE_S
        for rank in self.ranks:
            rank.join(max(0.0, end - time.monotonic()))
        late = [number for number, rank in enumerate(self.ranks) if rank.exitcode is None]
        for number in late:
            self.ranks[number].kill()
        self.codes = [rank.exitcode for rank in self.ranks]
        if late:
            raise TimeoutError(f"ranks {late} of {self.output.name} did not end: {self.errors()}")
        return self

    @property
    def code(self) -> int | None:
        """The exit code that all ranks had."""
        assert len(set(self.codes)) == 1, f"exit codes {self.codes}: {self.errors()}"
        return self.codes[0]

    def errors(self, rank: int | None = None) -> str:
        """What the ranks, or one, wrote to stderr."""
        chosen = self.logs if rank is None else [self.logs[rank]]
        return "".join(Path(f"{log}.err").read_text() for log in chosen)

    def problems(self) -> list[str]:
        """The lines of all ranks that tell of an error."""
        return [line for line in self.errors().splitlines() if line.startswith("error: ")]

    def result(self) -> dict[str, Any]:
        """The JSON line of rank 0 on stdout."""
        return json.loads(Path(f"{self.logs[0]}.out").read_text())

    def losses(self) -> dict[int, float]:
        """Loss by step; each step was recorded once."""
        found = [(one["step"], one["loss"]) for one in lines(self.output / "metrics.jsonl")]
        assert len(dict(found)) == len(found), "a step was recorded twice"
        return dict(found)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [one for one in lines(self.output / "events.jsonl") if one["event"] == name]

    def checkpoints(self) -> set[str]:
        return {one.name for one in (self.output / "checkpoints").iterdir()}


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def start(
    output: Path,
    preset: str,
    *settings: str,
    steps: int | None = 20,
    ranks: int = 1,
    flags: Sequence[str] = (),
    before: Callable[[int], None] | None = None,
) -> Trial:
    """Start `training.train` over `ranks`; `before(rank)` is called in each one first (a function of a module)."""
    arguments = ["--preset", preset, "--output", str(output), *flags]
    arguments += ["--steps", str(steps)] if steps else []
    arguments += [part for one in settings for part in ("--set", one)]
    return start_command("training.train.cli", output, arguments, ranks=ranks, before=before)


def start_command(
    module: str,
    output: Path,
    arguments: Sequence[str],
    *,
    ranks: int = 1,
    environment: Mapping[str, str] | None = None,
    before: Callable[[int], None] | None = None,
) -> Trial:
    """Start the `main` of a module with arguments, whose logs lie beside `output`."""
    output.parent.mkdir(parents=True, exist_ok=True)
    variables = {"COLUMNS": "400", "NO_COLOR": "1", **(environment or {})}  # a full width: lines are compared
    if ranks > 1:
        variables |= {"WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports.block())}
        variables |= {"GLOO_SOCKET_IFNAME": "lo"}
    logs = [output.parent / f"{output.name}.{next(NUMBERS)}" for _ in range(ranks)]
    processes = []
    for rank, log in enumerate(logs):
        own = variables | ({"RANK": str(rank), "LOCAL_RANK": str(rank)} if ranks > 1 else {})
        processes.append(_context().Process(target=_rank, args=(module, list(arguments), own, rank, str(log), before)))
        processes[-1].start()
    return Trial(output, list(processes), logs)


def run(output: Path, preset: str, *settings: str, **more: Any) -> Trial:
    """`start` and `wait`."""
    return start(output, preset, *settings, **more).wait()


def _rank(
    module: str,
    arguments: list[str],
    variables: dict[str, str],
    rank: int,
    log: str,
    before: Callable[[int], None] | None,
) -> None:
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        file = os.open(f"{log}{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, descriptor)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.environ |= variables
    sys.argv = [module, *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import torch

    torch.set_num_threads(1)
    if before is not None:
        before(rank)
    importlib.import_module(module).main()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.005)


def at_step(step: int, act: Callable[[Any], None]) -> None:
    """In this process, let `act(run)` happen right after the step was recorded."""
    from training.train.run import Run

    recorded = Run.record

    def record(self: Run, *arguments: Any) -> None:
        recorded(self, *arguments)
        if self.step == step:
            act(self)

    Run.record = record  # type: ignore[method-assign]


def kill_after_checkpoint(run: Any) -> None:
    """kill -9 of this process once a checkpoint is whole."""
    until(lambda: any((run.output / "checkpoints").glob("step-*[0-9]")), "a whole checkpoint")
    os.kill(os.getpid(), signal.SIGKILL)


def ask_to_stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def limit_file_size(size: int) -> None:
    """No file may grow beyond `size` bytes: writing fails in its middle, as on a full disk (EFBIG, not ENOSPC)."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def loss_of_export(trial: Trial) -> float:
    """Loss of the exported model on the whole dev split, worked out here and not by the trainer."""
    import torch

    from training import weights
    from training.data import open_stream
    from training.presets import load
    from training.train import feed

    config, model = load(trial.result()["preset"]), weights.load_exported(Path(trial.result()["export"]))
    assert not model.training
    samples = config.data.evaluation_samples
    spec = replace(feed.spec(config.data, model), split="dev", shuffle=False, repeat=False, samples=samples)
    total = count = 0.0
    with open_stream(spec, rank=0, world=1, seed=config.seed, batch_size=config.batch.evaluation) as stream:
        for batch in stream:
            with torch.no_grad():
                total += float(model(batch).loss) * len(batch["labels"])
            count += len(batch["labels"])
    return total / count
