"""The second half of a preparation: parts in the order of their files → deduplicated, split, packed into shards.

Copies runs of documents, one array file after the other: what it holds is one shard a split, and the hashes and labels
of all documents.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from training.data import duplicates, shards
from training.data.parts import NO_SPLIT, Part
from training.data.recipe import Recipe
from training.data.shards import Entry
from training.data.spec import SPLITS

DROPPED = -2


@dataclass(frozen=True)
class Packed:
    """What came out."""

    splits: dict[str, list[Entry]]
    duplicates: int
    documents: dict[str, int]
    """Kept, by split."""
    classes: list[str]


def pack(parts: Sequence[Part], recipe: Recipe, work: Path, output: Path) -> Packed:
    """Write the shards of all splits. The same parts give the same bytes."""
    entries = [entry for part in parts for entry in part.entries]
    named = {label for part in parts for label in part.labels}
    # Digits are what they are, even where a small set lacks one of them.
    names = sorted(named | ({str(digit) for digit in range(10)} if recipe.kind == "digits" else set()), key=_natural)
    tables = [np.asarray([names.index(label) for label in part.labels] or [0]) for part in parts for _ in part.entries]
    opened = [shards.open_arrays(work / entry.file, entry) for entry in entries]
    split = _splits(opened, recipe)
    repeated = int((split == DROPPED).sum())
    packers = {
        name: (_TokenPacker if recipe.kind == "tokens" else _RecordPacker)(output, name, recipe) for name in SPLITS
    }
    start = 0
    for arrays, table in zip(opened, tables, strict=True):
        here = split[start : start + len(arrays["label"])]
        start += len(here)
        for first, last, name in _runs(here):
            packers[name].add(arrays, first, last, table)
    made = {name: packer.finish() for name, packer in packers.items()}
    documents = {name: int((split == number).sum()) for number, name in enumerate(SPLITS)}
    return Packed({name: one for name, one in made.items() if one}, repeated, documents, names)


def _splits(opened: Sequence[dict[str, np.ndarray]], recipe: Recipe) -> np.ndarray:
    """The split of each document: int8 [n], `DROPPED` for those that are repeated."""
    if not opened:
        return np.zeros(0, dtype=np.int8)
    hashes = np.concatenate([arrays["hash"] for arrays in opened])
    told = np.concatenate([arrays["split"] for arrays in opened])
    keep = np.ones(len(hashes), dtype=bool)
    if recipe.deduplicate != "none":
        keep = duplicates.first_of_each(hashes)
    if recipe.deduplicate == "near" and "signature" in opened[0]:
        signatures = np.concatenate([arrays["signature"] for arrays in opened])
        keep = duplicates.without_near(signatures, keep, recipe.near)
    free = keep & (told == NO_SPLIT)
    chosen = np.zeros(len(hashes), dtype=np.int8)
    if recipe.train_samples is not None:
        order = np.flatnonzero(free)[np.argsort(hashes[free, 1], kind="stable")]
        chosen[order[recipe.train_samples :]] = SPLITS.index("dev")
    else:
        share = hashes[:, 1] / 2.0**64
        chosen[share < recipe.dev + recipe.test] = SPLITS.index("test")
        chosen[share < recipe.dev] = SPLITS.index("dev")
    return np.where(keep, np.where(told == NO_SPLIT, chosen, told), DROPPED).astype(np.int8)


def _runs(split: np.ndarray) -> Iterator[tuple[int, int, str]]:
    """Neighbours of the same split: first, one past the last, name."""
    if not len(split):
        return
    edges = np.concatenate(([0], np.flatnonzero(np.diff(split)) + 1, [len(split)]))
    for first, last in pairwise(edges):
        if split[first] != DROPPED:
            yield int(first), int(last), SPLITS[split[first]]


def _natural(label: str) -> tuple[bool, int, str]:
    """Numbers by value, then names: so the labels 0 to 9 are classes 0 to 9."""
    return (not label.isdigit(), int(label) if label.isdigit() else 0, label)


class _Packer:
    """Collects arrays up to the size of a shard."""

    def __init__(self, output: Path, split: str, recipe: Recipe) -> None:
        self._output, self._split, self._most = output, split, recipe.shard_bytes
        self._entries: list[Entry] = []
        self._bytes = 0

    def add(self, arrays: dict[str, np.ndarray], first: int, last: int, table: np.ndarray) -> None:
        """The documents `first` to `last - 1` of an array file; `table` maps its labels to classes."""
        raise NotImplementedError

    def finish(self) -> list[Entry]:
        """Write the rest."""
        if self._bytes:
            self._flush()
        return self._entries

    def _flush(self) -> None:
        raise NotImplementedError

    def _write(self, arrays: dict[str, np.ndarray], records: int) -> None:
        path = self._output / f"{self._split}-{len(self._entries):05d}.bin"
        self._entries.append(shards.write(path, arrays, records))
        self._bytes = 0


class _TokenPacker(_Packer):
    """One endless row of tokens, cut where a shard is full: array `tokens`."""

    def __init__(self, output: Path, split: str, recipe: Recipe) -> None:
        super().__init__(output, split, recipe)
        self._pieces: list[np.ndarray] = []

    def add(self, arrays: dict[str, np.ndarray], first: int, last: int, table: np.ndarray) -> None:  # noqa: ARG002
        ends = np.cumsum(arrays["length"])
        tokens = arrays["payload"][(ends[first - 1] if first else 0) : ends[last - 1]]
        while len(tokens):
            room = max((self._most - self._bytes) // tokens.itemsize, 1)
            piece, tokens = tokens[:room], tokens[room:]
            self._pieces.append(piece)
            self._bytes += piece.nbytes
            if self._most - self._bytes < piece.itemsize:
                self._flush()

    def _flush(self) -> None:
        tokens = np.concatenate(self._pieces)
        self._pieces = []
        self._write({"tokens": tokens}, len(tokens))


class _RecordPacker(_Packer):
    """Whole records: arrays `tokens` and `offsets` [n + 1], or `images` [n, ...]; and `labels` [n]."""

    def __init__(self, output: Path, split: str, recipe: Recipe) -> None:
        super().__init__(output, split, recipe)
        self._payload: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, arrays: dict[str, np.ndarray], first: int, last: int, table: np.ndarray) -> None:
        payload, ends = arrays["payload"], None
        if "length" in arrays:
            ends = np.concatenate(([0], np.cumsum(arrays["length"])))
        while first < last:
            sizes = np.diff(ends[first : last + 1]) * payload.itemsize if ends is not None else payload[0].nbytes
            room = np.cumsum(np.broadcast_to(sizes, last - first))
            stop = first + int(np.searchsorted(room, self._most - self._bytes, side="left")) + 1
            stop = min(stop, last)
            piece = payload[ends[first] : ends[stop]] if ends is not None else payload[first:stop]
            self._payload.append(piece)
            self._labels.append(table[arrays["label"][first:stop]])
            if ends is not None:
                self._lengths.append(np.diff(ends[first : stop + 1]))
            self._bytes += max(piece.nbytes, 1)
            first = stop
            if self._bytes >= self._most:
                self._flush()

    def _flush(self) -> None:
        labels = np.concatenate(self._labels).astype(np.int32)
        payload = np.concatenate(self._payload)
        if self._lengths:
            offsets = np.concatenate(([0], np.cumsum(np.concatenate(self._lengths)))).astype(np.int64)
            arrays = {"tokens": payload, "offsets": offsets, "labels": labels}
        else:
            arrays = {"images": payload, "labels": labels}
        self._payload, self._lengths, self._labels = [], [], []
        self._write(arrays, len(labels))
