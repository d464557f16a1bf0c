"""Data for training: from files to batches.

`python -m training.data prepare` reads, cleans, deduplicates, tokenizes and packs files into memory-mapped shards with
a manifest; `open_stream` feeds them (or synthetic data of the same shape) to one rank of a training run.

    with open_stream(DataSpec("tokens", "data/wiki"), rank=0, world=1, seed=0, batch_size=8) as stream:
        batch = next(stream)   # {"input_ids": int64 [8, 128], "labels": int64 [8, 128]}

Imports torch only when a batch is made.
"""

from __future__ import annotations

from training.data.spec import DataSpec
from training.data.stream import Stream, open_stream

__all__ = ["DataSpec", "Stream", "open_stream"]
