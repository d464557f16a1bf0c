"""The data pipeline alone: how fast batches of a preset come out of prepared shards, with no model behind them."""

from __future__ import annotations

# pyright: reportMissingImports=false
# torch and the trainer are in the environment of the benchmark, not in that of the toolkit.
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from training import models, presets
from training.data import DataSpec, open_stream

WARMUP_BATCHES = 4
LEAST_BATCHES = 50
DOCUMENTS, WORDS = 400, 300
"""Of the text that is prepared for the measurement: about 1 MiB."""


def measure(preset: str, steps: int) -> dict[str, Any]:
    """Samples and tokens per second of all processes together.

    Texts are prepared into shards first (byte tokens), so that the way from file to batch is measured; other kinds of
    data are made up by the generator, and the finding says so.
    """
    config = presets.load(preset)
    batches = max(steps, LEAST_BATCHES)
    with tempfile.TemporaryDirectory(prefix="bench-data-") as folder:
        spec = _spec(config, Path(folder))
        with open_stream(
            spec, rank=dist.get_rank(), world=dist.get_world_size(), seed=0, batch_size=config.batch.micro
        ) as stream:
            for _ in range(WARMUP_BATCHES):
                next(stream)
            dist.barrier()
            began = time.perf_counter()
            for _ in range(batches):
                next(stream)
            mine = torch.tensor(time.perf_counter() - began, dtype=torch.float64)
    dist.all_reduce(mine, op=dist.ReduceOp.MAX)
    seconds = float(mine)
    samples = batches * config.batch.micro * dist.get_world_size()
    tokens = spec.sequence_length if spec.kind in {"tokens", "texts"} else 0
    return {
        "preset": preset,
        "source": "prepared shards" if spec.source != "synthetic" else "synthetic",
        "samples": samples,
        "seconds": [seconds],
        "samples_per_second": samples / seconds,
        "tokens_per_second": samples * tokens / seconds if tokens else None,
    }


def _spec(config: Any, folder: Path) -> DataSpec:
    data = config.data
    fields = models.configuration(config.model.name, models.size(config.model.name, config.model.size))
    spec = DataSpec(
        kind=data.kind,
        sequence_length=data.sequence_length,
        image_size=data.image_size,
        vocabulary=getattr(fields, "vocab_size", 256),
        classes=getattr(fields, "classes", 2),
        samples=None,
        prefetch=data.prefetch,
    )
    if data.kind != "tokens":
        return spec
    return replace(spec, source=str(_prepared(folder)), vocabulary=max(spec.vocabulary, 260))


def _prepared(folder: Path) -> Path:
    from training.data.prepare import prepare
    from training.data.recipe import Recipe

    made = random.Random(0)  # noqa: S311 - text, not a secret
    words = ["".join(made.choices("abcdefghijklmnopqrstuvwxyz", k=made.randint(2, 9))) for _ in range(2000)]
    texts = folder / "texts"
    texts.mkdir()
    lines = (" ".join(made.choices(words, k=WORDS)) for _ in range(DOCUMENTS))
    (texts / "documents.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    prepare([texts], folder / "shards", Recipe("tokens", documents="line"))
    return folder / "shards"
