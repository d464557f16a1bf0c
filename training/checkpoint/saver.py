"""Saves a run while it goes on, and puts it back exactly.

`save` copies the state to host memory (the stall) and writes it in a thread; `settle` waits for that. `restore` takes
the newest checkpoint that is whole, at any number of ranks and in any way of sharding. Model and optimizer go through
DCP; random-number states are one file a rank; the plain state of the run is in the manifest.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.optim import Optimizer

from training.checkpoint import finite, fit, folder, manifest, randomness, trouble
from training.checkpoint.finite import NotFinite
from training.checkpoint.manifest import Broken, Manifest
from training.checkpoint.writer import AtomicWriter, Described
from training.errors import TrainingError

REMEDIES = "lower optimizer.lr, lengthen schedule.warmup_steps, set optimizer.clip=1.0, or take another precision"
OPTIONS = StateDictOptions(flatten_optimizer_state_dict=True)
"""Optimizer settings under each parameter's own name: a run that shards otherwise groups its parameters otherwise."""


@dataclass
class Saver:
    """The checkpoints of one run. Every rank has one and calls the same methods at the same steps."""

    root: Path
    model: nn.Module
    optimizer: Optimizer
    config: Mapping[str, Any]
    """The settings that decide what the weights become, flat; stored beside their hash."""
    config_hash: str
    keep: int
    background: bool
    say: Callable[[str], None]
    """Takes a line for the user; called on rank 0 only."""

    def __post_init__(self) -> None:
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        # A group of its own: its collectives run in a thread beside those of the step. gloo: it moves host memory.
        group = dist.new_group(backend="gloo")
        assert isinstance(group, dist.ProcessGroup)  # a number where this rank is not in it; every rank is
        self.group = group
        self.running: tuple[int, Future[Any]] | None = None
        self.saved: int | None = None
        """Step of the last whole checkpoint."""
        self.failed: str | None = None
        """Why the last save did not end whole."""
        if self.rank == 0:
            folder.clean(self.root)
            self.root.mkdir(parents=True, exist_ok=True)
        dist.barrier(self.group)

    def save(self, step: int, state: Mapping[str, Any]) -> float:
        """Begin to save; answers the seconds for which training stood still.

        Raises NotFinite, on every rank and with nothing written, when a weight is no number.
        """
        began = time.perf_counter()
        self.settle()
        if self.saved == step:
            return time.perf_counter() - began
        contents = self._state()
        if problem := finite.lost(contents, self.group):
            raise NotFinite(f"step {step}: {problem}: no checkpoint is made of it; {REMEDIES}, then resume")
        place = folder.partial(self.root, step)
        commit = self._commit(step, state)
        writer = AtomicWriter(place, self.rank, self.world, {f"{self.rank}.random": randomness.pack()}, commit)
        whole = dcp.async_save(contents, storage_writer=writer, process_group=self.group)
        assert isinstance(whole, Future)
        self.running = (step, whole)
        if not self.background:
            self.settle()
        return time.perf_counter() - began

    def settle(self, wait: bool = True) -> None:
        """Take the outcome of the save in the background; `wait=False`: only if it has ended."""
        if self.running is None or not (wait or self.running[1].done()):
            return
        step, whole = self.running
        self.running = None
        try:
            whole.result()
        except (Exception, CheckpointException) as error:  # noqa: BLE001 - the run goes on, the last checkpoint stays
            self.failed = f"checkpoint of step {step}: {trouble.explain(error, self.root)}"
            if self.rank == 0:
                shutil.rmtree(folder.partial(self.root, step), ignore_errors=True)
                self.say(f"{self.failed}; training goes on")
        else:
            self.saved, self.failed = step, None

    def restore(self, source: Path | None = None, *, only: int | None = None) -> Manifest | None:
        """Put model, optimizer and random-number states back from the newest whole checkpoint, or answer None.

        `source`: another folder of checkpoints. Broken ones, and those whose weights are no numbers, are named, passed
        over, and put aside once an older one is found to go on from; `only` takes that step or none. Raises
        TrainingError when there are checkpoints and none is whole, BadInput when one does not fit the model.
        """
        root = source or self.root
        steps = self._agreed(folder.steps(root) if self.rank == 0 else None)
        steps = steps if only is None else [step for step in steps if step == only]
        broken: dict[int, str] = {}
        for step in steps:
            try:
                found = self._taken(folder.place(root, step))
            except Broken as problem:
                broken[step] = f"checkpoint of step {step}: {problem}"
                continue
            self._pass_over(root, broken)
            self.saved = step if root == self.root else None
            return found
        if only is not None and broken:
            raise TrainingError(broken[only])
        if broken:
            # They keep their names: the same command again must not find an empty folder and begin from nothing.
            last = f"{root}: none of the checkpoints is whole; --resume never starts from the beginning"
            raise TrainingError([*broken.values(), last])
        return None

    def distrust(self, step: int) -> str | None:
        """Put the checkpoint that the run began from aside, when there is an older one; tells it in a line.

        For a run whose very first loss is no number: nothing that it did itself can be why.
        """
        older = self._agreed([one for one in folder.steps(self.root) if one < step] if self.rank == 0 else None)
        if self.saved != step or not older:
            return None
        aside = self._agreed(folder.put_aside(self.root, step).name if self.rank == 0 else None)
        return f"the checkpoint of step {step} is kept as {aside}; start again, it goes on from step {older[0]}"

    def _pass_over(self, root: Path, broken: Mapping[int, str]) -> None:
        for step, problem in broken.items() if self.rank == 0 else ():
            # Another run's folder is left as it is.
            kept = f"; it is kept as {folder.put_aside(root, step).name}" if root == self.root else ""
            self.say(f"{problem}{kept}; going on from the one before")

    def _taken(self, place: Path) -> Manifest:
        """Take up a checkpoint. Raises Broken, on all ranks, when it is not whole or its weights are no numbers."""
        found = self._verified(place)
        self._load(place, found)
        if problem := finite.lost(self._state(), self.group):
            raise Broken(problem)
        return found

    def _state(self) -> dict[str, Any]:
        model, optimizer = get_state_dict(self.model, self.optimizer, options=OPTIONS)
        return {"model": model, "optimizer": optimizer}

    def _commit(self, step: int, state: Mapping[str, Any]) -> Callable[[Described], None]:
        """What ends a checkpoint, on rank 0: the manifest, the name, and the removal of what is too old."""

        def commit(files: Described) -> None:
            created = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            known = Manifest(step, self.world, self.config_hash, self.config, state, files, created)
            manifest.write(folder.partial(self.root, step), known)
            folder.commit(self.root, step)
            folder.retain(self.root, self.keep)

        return commit

    def _verified(self, place: Path) -> Manifest:
        """The manifest, if every rank finds its share of the files as written. Raises Broken on all ranks."""
        problem, found = None, None
        try:
            found = manifest.read(place)
            manifest.verify(place, found, self.rank, self.world)
        except (Broken, OSError) as error:
            problem = str(error)
        problems: list[str | None] = [None] * self.world
        dist.all_gather_object(problems, problem, group=self.group)
        first = next((one for one in problems if one), None)
        if first or found is None:
            raise Broken(first or "cannot be read")
        return found

    def _load(self, place: Path, found: Manifest) -> None:
        state = self._state()
        fit.check(place, state, found.config, self.config)
        try:
            dcp.load(state, checkpoint_id=place, process_group=self.group)
        except CheckpointException as error:  # a BaseException
            raise TrainingError(f"{place}: cannot be read: {trouble.first_line(error)}") from error
        set_state_dict(
            self.model,
            self.optimizer,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizer"],
            options=OPTIONS,
        )
        if (place / f"{self.rank}.random").exists() and found.world_size == self.world:
            randomness.unpack(place / f"{self.rank}.random")

    def _agreed(self, value: Any) -> Any:
        """Rank 0's value, on all ranks."""
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.group)
        return box[0]
