"""What the data loader delivers: `PYTHONPATH=. python benchmarks/data_pipeline.py`, in the trainer's environment.

Tokens or images per second of one rank, from prepared shards in the page cache to batches of tensors on the CPU; beside
it a plain loop over a memory map, which does the least that any loader must do, and what the fastest step that the
trainer is to reach on one GPU needs.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import machine, store

from training.data import DataSpec, open_stream, tokenizer
from training.data.example import story
from training.data.manifest import read
from training.data.prepare import prepare
from training.data.recipe import Recipe
from training.data.shards import open_arrays

NEEDED = 149_000
"""Tokens per second of one H200 at 55 % MFU, bloom-560m, sequence 2048 (989 TFLOP/s, causal accounting)."""
BATCH, SEQUENCE, SECONDS, RUNS = 16, 2048, 2.0, 5
TOKENS = 32 << 20


def main() -> None:
    """Measure and store."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tokens, images = _tokens(Path(folder)), _images(Path(folder))
        before = machine()
        taken = {name: [] for name in _cases(tokens, images)}
        for _ in range(RUNS):  # in turn, so that a busy moment of the machine meets all of them
            for name, (batches, size) in _cases(tokens, images).items():
                taken[name].append(_speed(batches, size))
    rates = {
        name: {"median": round(statistics.median(one)), "runs": [round(run) for run in one]}
        for name, one in taken.items()
    }
    speed = _preparing()
    result = {
        "machine": before,
        "load_after": round(os.getloadavg()[0], 2),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "batch": BATCH,
        "sequence_length": SEQUENCE,
        "seconds_a_run": SECONDS,
        "needed_tokens_per_second": NEEDED,
        "per_second": rates,
        "preparing_mb_per_second": speed,
    }
    how = f"batch {BATCH}, sequence {SEQUENCE}, data in the page cache, median of {RUNS} runs of {SECONDS:.0f} s"
    prepared = f"{speed['megabytes']} MB of JSON lines, one process, to bytes: {speed['byte']} MB/s"
    lines = [
        f"One rank, {how}; load {result['load_after']} at the end.",
        "",
        "| case | per second | of what one H200 at 55 % MFU needs |",
        "|---|---|---|",
        *(_line(name, found["median"]) for name, found in rates.items()),
        "",
        f"Preparing {prepared}; to a byte-pair encoding of 8,000 (trained before): {speed['bpe']} MB/s.",
    ]
    store("data_pipeline", "What the data pipeline delivers", result, lines)


def _line(name: str, rate: int) -> str:
    share = f"{rate / NEEDED:.0f} times" if "tokens" in name else ""
    return f"| {name} | {rate:,} | {share} |"


def _cases(tokens: Path, images: Path) -> dict[str, tuple[Callable[[], Iterator[object]], int]]:
    def stream(kind: Any, folder: Path | str, **more: Any) -> Callable[[], Iterator[object]]:
        spec = DataSpec(kind, str(folder), sequence_length=SEQUENCE, vocabulary=50_000, classes=4, **more)

        def begin() -> Iterator[object]:
            with open_stream(spec, rank=0, world=1, seed=0, batch_size=BATCH) as opened:
                yield from opened

        return begin

    size = BATCH * SEQUENCE
    return {
        "tokens, loader with two threads": (stream("tokens", tokens), size),
        "tokens, loader without threads": (stream("tokens", tokens, prefetch=0), size),
        "tokens, plain loop over a memory map": (lambda: _plain(tokens), size),
        "tokens, synthetic": (stream("tokens", "synthetic"), size),
        "images of 224 x 224, loader with two threads": (stream("images", images), BATCH),
    }


def _speed(begin: Callable[[], Iterator[object]], size: int) -> float:
    batches = begin()
    for _ in range(10):  # checksums, threads
        next(batches)
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < SECONDS:
        next(batches)
        count += 1
    return count * size / passed


def _plain(folder: Path) -> Iterator[object]:
    """Random samples of one shard, int64, as tensors: no order that can be resumed, no checks."""
    entry = read(folder).splits["train"][0]
    tokens = open_arrays(folder / entry.file, entry)["tokens"]
    chance = np.random.default_rng(0)
    while True:
        starts = chance.integers(0, len(tokens) - SEQUENCE - 1, BATCH)
        rows = np.stack([tokens[one : one + SEQUENCE + 1] for one in starts]).astype(np.int64)
        yield torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())


def _tokens(folder: Path) -> Path:
    """Random bytes as text, prepared: 32 Mi tokens of two bytes."""
    chance = np.random.default_rng(0)
    with (folder / "text.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(TOKENS // 4096):
            file.write(json.dumps({"text": chance.integers(97, 123, 4095, dtype=np.uint8).tobytes().decode()}) + "\n")
    prepare([folder / "text.jsonl"], folder / "tokens", Recipe("tokens", shard_bytes=16 << 20))
    return folder / "tokens"


def _images(folder: Path) -> Path:
    from PIL import Image

    chance = np.random.default_rng(0)
    for number in range(64):
        path = folder / "pictures" / f"class{number % 4}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(chance.integers(0, 256, (256, 256, 3), dtype=np.uint8)).save(path)
    prepare([folder / "pictures"], folder / "images", Recipe("images"))
    return folder / "images"


def _preparing() -> dict[str, float]:
    """MB of JSON lines per second and process, everything included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        example = [sys.executable, "-m", "training.data", "example", str(folder / "in"), "--samples", "12000"]
        subprocess.run(example, cwd=Path(__file__).resolve().parent.parent, check=True, stdout=subprocess.DEVNULL)
        sources = sorted((folder / "in").iterdir())
        size = sum(path.stat().st_size for path in sources) / 1e6
        found = {"megabytes": round(size, 1)}
        chance = random.Random(1)
        tokenizer.train("bpe:8000", (story(chance) for _ in range(2000)), folder / "tokenizer.json")
        for case, wanted in (("byte", "byte"), ("bpe", str(folder / "tokenizer.json"))):
            start = time.perf_counter()
            prepare(sources, folder / case, Recipe("tokens", tokenizer=wanted))
            found[case] = round(size / (time.perf_counter() - start), 1)
        return found


if __name__ == "__main__":
    main()
