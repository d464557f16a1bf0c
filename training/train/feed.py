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
from training.data.prepared import read_manifest
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
    )


def evaluation(config: TrainConfig, model: Model, layout: Layout, split: str) -> Stream:
    """One pass over another split, which there must be (`has_split`)."""
    own = replace(
        spec(config.data, model),
        split=split,  # type: ignore[arg-type]
        shuffle=False,
        repeat=False,
        samples=config.data.evaluation_samples,
    )
    size = config.batch.evaluation
    return open_stream(own, rank=layout.data_rank, world=layout.data_world, seed=config.seed, batch_size=size)


def has_split(config: DataConfig, split: str) -> bool:
    """Whether the data has samples of a split; synthetic data has all."""
    if config.source == SYNTHETIC:
        return True
    return bool(read_manifest(config.source, open_store(config.source)).splits.get(split))


def to_device(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    if device.type == "cpu":
        return batch
    return {name: value.pin_memory().to(device, non_blocking=True) for name, value in batch.items()}


def tokens_of_a_sample(config: DataConfig) -> int:
    """0 for data without tokens."""
    return config.sequence_length if config.kind in {"tokens", "texts"} else 0
