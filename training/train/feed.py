"""Batches for this rank on its device: the run's settings as a data stream.

The vocabulary and the classes come from the model, so that data that does not fit is refused before the first step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from training.data import DataSpec, Stream, open_stream
from training.data.objects import open_store
from training.data.prepared import read_manifest, samples
from training.data.spec import SYNTHETIC
from training.models.interface import Model
from training.train.config import DataConfig, TrainConfig
from training.train.parallel import Layout


def spec(config: DataConfig, model: Model) -> DataSpec:
    return DataSpec(
        kind=config.kind,  # type: ignore[arg-type] - checked with the other settings
        source=config.source,
        sequence_length=config.sequence_length,
        image_size=config.image_size,
        samples=config.samples,
        vocabulary=getattr(model.config, "vocab_size", 256),
        classes=getattr(model.config, "classes", 2),
        cache=Path(config.cache) if config.cache else None,
        verify=config.verify,  # type: ignore[arg-type]
        prefetch=config.prefetch,
    )


def training(config: TrainConfig, model: Model, layout: Layout) -> Stream:
    return open_stream(
        spec(config.data, model),
        rank=layout.data_rank,
        world=layout.data_world,
        seed=config.seed,
        batch_size=config.batch.micro,
        accelerator=layout.device.index if layout.device.type == "cuda" else None,
    )


def evaluation(config: TrainConfig, model: Model, layout: Layout, split: str, batches: int | None) -> Stream:
    """One pass over another split, which there must be (`split_samples`): all of it, or a choice of so many batches.

    Shards hold what lies together (one class after the other): the first samples of a split would not stand for it.
    """
    size = config.batch.evaluation
    own = replace(
        spec(config.data, model),
        split=split,  # type: ignore[arg-type]
        shuffle=False,
        repeat=False,
        samples=config.data.evaluation_samples,
        most=batches and batches * size * layout.data_world,
    )
    return open_stream(own, rank=layout.data_rank, world=layout.data_world, seed=config.seed, batch_size=size)


def split_samples(config: DataConfig, split: str) -> int | None:
    """Samples that the data has of a split, by its manifest: 0 where it is too short for one; None: no such split."""
    if config.source == SYNTHETIC:
        return config.evaluation_samples
    entries = read_manifest(config.source, open_store(config.source)).splits.get(split)
    return sum(samples(entries, config.kind, config.sequence_length)) if entries else None


def evaluated(config: TrainConfig, layout: Layout) -> dict[str, str | None]:
    """The splits that are evaluated, and those that cannot be with the reason: each rank needs a sample."""
    if config.evaluate_batches == 0:
        return {}
    found: dict[str, str | None] = {}
    for split in ("dev", "test"):
        there = split_samples(config.data, split)
        if there is not None and there < layout.data_world:
            length = f" of {config.data.sequence_length} tokens" if config.data.kind == "tokens" else ""
            found[split] = f"{there} samples{length} for {layout.data_world} ranks"
        elif there is not None:
            found[split] = None
    return found


def to_device(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    if device.type == "cpu":
        return batch
    # Training's batches lie in pinned memory already, and are taken as they are.
    return {name: value.pin_memory().to(device, non_blocking=True) for name, value in batch.items()}


def tokens_of_a_sample(config: DataConfig) -> int:
    """0 for data without tokens."""
    return config.sequence_length if config.kind in {"tokens", "texts"} else 0
