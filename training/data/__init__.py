"""Data for training: from files to batches.

`python -m training.data prepare` reads, cleans, deduplicates, tokenizes and packs files into memory-mapped shards with
a manifest; `open_stream` feeds them (or synthetic data of the same shape) to one rank of a training run.

    with open_stream(DataSpec("tokens", "data/wiki"), rank=0, world=1, seed=0, batch_size=8) as stream:
        batch = next(stream)   # {"input_ids": int64 [8, 128], "labels": int64 [8, 128]}

Imports NumPy when a stream is opened and torch when a batch is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from training.data.spec import DataSpec

if TYPE_CHECKING:
    from training.data.stream import Stream, open_stream

__all__ = ["DataSpec", "Stream", "open_stream"]


def __getattr__(name: str) -> Any:
    """What needs NumPy, on first use: readers and stores work without it."""
    if name not in {"Stream", "open_stream"}:
        raise AttributeError(name)
    from training.data import stream

    return getattr(stream, name)
