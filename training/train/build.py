"""Puts a run together: joins the ranks, builds and spreads the model, opens the data, takes up the last checkpoint."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from pathlib import Path

import torch.distributed as dist
import yaml
from torch import nn
from torch.optim import Optimizer

from training import atomic, models, weights
from training.checkpoint import fit, randomness
from training.checkpoint.manifest import Manifest
from training.checkpoint.saver import Saver
from training.data import Stream
from training.errors import BadInput, err
from training.models import shares
from training.telemetry import Recorder
from training.train import accounting, export, feed, optim, overrides, parallel
from training.train.config import TrainConfig
from training.train.pace import Pace
from training.train.parallel import Layout
from training.train.precision import Precision
from training.train.run import Run
from training.train.signals import StopRequest

RESTART_STRIDE = 1_000_003
"""A prime far above the number of ranks."""
CHECKPOINTS, METRICS, SETTINGS = "checkpoints", "metrics.jsonl", "config.yaml"


def build(config: TrainConfig, output: Path, resume: str, layout: Layout, stop_request: StopRequest) -> Run:
    """A run ready for its next step. `resume`: auto, never, or a folder. Raises BadInput, TrainingError."""
    if int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) and resume == "never":
        resume = "auto"  # torchrun started this very run again
    # Without memory until each rank knows its share: a sharded model need not fit anywhere whole.
    raw = models.build(config.model.name, export.settings(config), device="meta")
    stream = feed.training(config, raw, layout)
    work = accounting.work(config, raw)
    parallel.shard(raw, config, layout)
    randomness.seed(config.seed)  # the same weights on every rank, whatever shares of them it keeps
    shares.initialise(raw, layout.device)
    if config.model.weights:
        weights.load_weights(raw, Path(config.model.weights))
    model = parallel.copied(raw, config, layout)
    optimizer = optim.make(model, config.optimizer)
    # From here on ranks with other samples drop out other units.
    randomness.seed(config.seed + 1 + layout.data_rank)
    saver = _saver(config, output, resume, layout, model, optimizer)
    found = _restored(saver, resume)
    precision = Precision(config.precision, layout.device)
    accumulation = config.batch.accumulation
    if found is not None:
        accumulation = _take_up(found, config, layout, stream, precision)
    step = found.step if found else 0
    if found is not None and found.world_size != layout.world:
        # Its random-number states are those of other ranks; the first steps' numbers must not come again.
        randomness.seed(config.seed + 1 + layout.data_rank + RESTART_STRIDE * step)
    if layout.rank == 0:
        _write_settings(output, config)
        _forget_after(output / METRICS, step)
    total = _total(config, stream, config.batch.micro * accumulation * layout.data_world)
    run = Run(
        config=config,
        output=output,
        layout=layout,
        raw=raw,
        model=model,
        optimizer=optimizer,
        precision=precision,
        stream=stream,
        saver=saver,
        recorder=_recorder(config, output, layout, total),
        work=work,
        stop_request=stop_request,
        total=total,
        accumulation=accumulation,
        pace=Pace(config.checkpoint),
        step=step,
    )
    if found is not None and "epoch" in found.state:
        run.epochs.load_state_dict(found.state["epoch"])
    for split, problem in feed.evaluated(config, layout).items():
        if problem:
            run.say(f"data {config.data.source} {split}: {problem}: this split will not be evaluated")
    run.pace.resumed(step)
    run.recorder.event("resumed" if found else "started", step=step, world=layout.world, pid=os.getpid(), total=total)
    return run


def _saver(
    config: TrainConfig, output: Path, resume: str, layout: Layout, model: nn.Module, optimizer: Optimizer
) -> Saver:
    """The checkpoints of the run. `never` moves those of an earlier run aside: they are not this one's."""
    if layout.rank == 0:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"--output {output}: {error.strerror}; give a folder of yours") from None
        if resume == "never":
            _move_aside(output)
    dist.barrier()
    return Saver(
        root=output / CHECKPOINTS,
        model=model,
        optimizer=optimizer,
        config=overrides.identity(config),
        config_hash=overrides.config_hash(config),
        keep=config.checkpoint.keep,
        background=config.checkpoint.background,
        say=lambda line: err().print(line, markup=False),
    )


def _restored(saver: Saver, resume: str) -> Manifest | None:
    """What the run goes on from."""
    if resume == "never":
        return None
    if resume == "auto":
        return saver.restore()
    place = Path(resume)
    # A Job starts a lost pod with the same words: what the run itself has saved since is newer than where it began.
    if not place.resolve().is_relative_to(saver.root.parent.resolve()) and (found := saver.restore()):
        return found
    if step := re.fullmatch(r"step-(\d+)", place.name):
        found = saver.restore(place.parent, only=int(step[1]))
    else:
        found = saver.restore(place / CHECKPOINTS if (place / CHECKPOINTS).is_dir() else place)
    if found is None:
        raise BadInput(
            f"--resume {resume}: there is no checkpoint; give auto, never, a run's folder or its step-N folder"
        )
    return found


def _take_up(found: Manifest, config: TrainConfig, layout: Layout, stream: Stream, precision: Precision) -> int:
    """Go on with the data where the checkpoint was made; answers the accumulation that keeps the samples of a step."""
    stream.load_state_dict(dict(found.state["stream"]))
    precision.load_state_dict(dict(found.state["scaler"]))
    lines = [f"going on from step {found.step}"]
    if found.world_size != layout.world:
        lines.append(f"made by {found.world_size} ranks, resharded for {layout.world}; random numbers start anew")
    wanted, once = found.state["samples_of_a_step"], config.batch.micro * layout.data_world
    accumulation = max(1, wanted // once)
    if accumulation * once != wanted:
        accumulation = config.batch.accumulation
        lines.append(f"a step had {wanted} samples and now has {once * accumulation}: the losses will differ")
    elif accumulation != config.batch.accumulation:
        lines.append(f"batch.accumulation is {accumulation} to keep the {wanted} samples of a step")
    if changed := fit.differences(found.config, overrides.identity(config)):
        lines.append(f"settings differ from the checkpoint's: {'; '.join(changed)}")
    if layout.rank == 0:
        for line in lines:
            err().print(f"resume: {line}", markup=False)
    return accumulation


def _total(config: TrainConfig, stream: Stream, samples_of_a_step: int) -> int:
    """Steps of the run. Raises BadInput when neither steps nor data end it."""
    if config.steps is not None:
        return config.steps
    if stream.samples is None:
        raise BadInput(f"steps: {config.data.source} {config.data.kind} never end; give --steps, or data.samples")
    return -(-config.epochs * stream.samples // samples_of_a_step)


def _recorder(config: TrainConfig, output: Path, layout: Layout, total: int) -> Recorder:
    wanted = config.telemetry
    return Recorder(
        output,
        prometheus_port=wanted.prometheus_port,
        tensorboard=wanted.tensorboard,
        wandb=wanted.wandb,
        otel=wanted.otel,
        rank=layout.rank,
        total_steps=total,
    )


def _write_settings(output: Path, config: TrainConfig) -> None:
    """config.yaml: what `--config` takes to make this run again."""
    atomic.write(output / SETTINGS, yaml.safe_dump(overrides.to_mapping(config), sort_keys=False))


def _forget_after(metrics: Path, step: int) -> None:
    """Leave out the records of steps that will be taken again, and a line that was cut off."""
    if not metrics.exists():
        return
    kept = []
    for line in metrics.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if json.loads(line)["step"] <= step:
                kept.append(f"{line}\n")
    atomic.write(metrics, "".join(kept))


def _move_aside(output: Path) -> None:
    """Rename the checkpoints and records of an earlier run: nothing of it is lost, nothing of it is taken for ours."""
    old = [output / name for name in (CHECKPOINTS, METRICS) if (output / name).exists()]
    if not old:
        return
    number = next(n for n in itertools.count(1) if not any(one.with_name(f"{one.name}.{n}").exists() for one in old))
    for one in old:
        os.replace(one, one.with_name(f"{one.name}.{number}"))
    err().print(
        f"--resume never: the earlier run is kept as {CHECKPOINTS}.{number} and {METRICS}.{number}", markup=False
    )
