"""In which order samples are read: a seeded permutation that needs no memory, and where each sample lies.

The order is a pure function of (seed, epoch, position), so any rank of any world size can ask for any position: exact
resume needs one number, the samples already seen. Needs NumPy only.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# NumPy and torch are in the environment of the trainer, not in that of the toolkit.
import threading
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Index: TypeAlias = "NDArray[np.int64]"
ROUNDS = 6
WINDOW = 8
"""Shards whose samples are mixed with each other: bounds both the open files and the cache that an epoch needs."""


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit integers that mixes all bits."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def key_of(*parts: int) -> int:
    """One 64-bit key of several numbers."""
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        key = mix(key ^ np.uint64(part & 0xFFFFFFFFFFFFFFFF))
    return int(key[0])


def permute(index: Index, count: int, key: int) -> Index:
    """Where a keyed permutation of 0..count-1 sends each of `index` (any shape).

    A Feistel network on the smallest even number of bits that holds `count`, walked until the value lies inside
    (Black and Rogaway 2002): at most four walks on average.
    """
    if count <= 1:
        return np.zeros_like(index)
    half = (max(int(count - 1).bit_length(), 2) + 1) // 2
    found = index.astype(np.uint64)
    outside = np.ones(found.shape, dtype=bool)
    while outside.any():
        found[outside] = _feistel(found[outside], half, key)
        outside = found >= np.uint64(count)
    return found.astype(np.int64)


def _feistel(values: NDArray[np.uint64], half: int, key: int) -> NDArray[np.uint64]:
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    left, right = values >> shift, values & mask
    for turn in range(ROUNDS):
        left, right = right, left ^ (mix(right ^ np.uint64(key_of(key, turn))) & mask)
    return (left << shift) | right


class Order:
    """The order of all samples of some shards, epoch after epoch.

    `counts` holds the samples of each shard. With `shuffle`, an epoch takes the shards in a new order, `WINDOW` at a
    time, and mixes the samples of one window; without, it takes them as they lie.

    `most` leaves out all but so many samples, chosen by the seed from the whole, so that they stand for it whatever
    order the files were made in. They are still taken shard by shard: each shard is opened once.
    """

    def __init__(
        self, counts: Sequence[int], seed: int, *, shuffle: bool, window: int = WINDOW, most: int | None = None
    ) -> None:
        self.counts = np.asarray(counts, dtype=np.int64)
        self.there = int(self.counts.sum())
        """Samples in the shards."""
        self.total = self.there if most is None else min(most, self.there)
        """Samples of an epoch."""
        self._chosen: Index | None = None
        if self.total < self.there:
            self._chosen = np.sort(permute(np.arange(self.total), self.there, key_of(seed, -1, -1)))
        self._seed, self._shuffle, self._window = seed, shuffle, window
        self._epochs: dict[int, tuple[Index, Index]] = {}
        self._lock = threading.Lock()  # batches are made by several threads

    def locate(self, positions: Index) -> tuple[Index, Index]:
        """Shard and sample in the shard of each position; positions count on through the epochs."""
        shards, samples = np.empty_like(positions), np.empty_like(positions)
        epochs = positions // self.total
        for epoch in np.unique(epochs):
            here = epochs == epoch
            shards[here], samples[here] = self._locate(positions[here] - epoch * self.total, int(epoch))
        return shards, samples

    def _locate(self, positions: Index, epoch: int) -> tuple[Index, Index]:
        order, ends = self._shards(epoch)
        if self._chosen is not None:
            positions = self._chosen[positions]
        if self._shuffle:
            positions = self._mixed(positions, epoch, ends)
        slot = np.searchsorted(ends, positions, side="right")
        starts = np.concatenate(([0], ends[:-1]))
        return order[slot], positions - starts[slot]

    def _mixed(self, positions: Index, epoch: int, ends: Index) -> Index:
        """Positions permuted within their window of shards."""
        last = np.minimum(np.arange(self._window - 1, len(ends) + self._window - 1, self._window), len(ends) - 1)
        window_ends = ends[last]
        window_starts = np.concatenate(([0], window_ends[:-1]))
        windows = np.searchsorted(window_ends, positions, side="right")
        found = np.empty_like(positions)
        for window in np.unique(windows):
            here = windows == window
            start = window_starts[window]
            size = int(window_ends[window] - start)
            found[here] = start + permute(positions[here] - start, size, key_of(self._seed, epoch, int(window)))
        return found

    def _shards(self, epoch: int) -> tuple[Index, Index]:
        """The epoch's order of shards and the running sum of their samples."""
        with self._lock:
            if epoch not in self._epochs:
                order = np.arange(len(self.counts), dtype=np.int64)
                if self._shuffle:
                    order = permute(order, len(order), key_of(self._seed, epoch, -1))
                while len(self._epochs) > 2:
                    del self._epochs[min(self._epochs)]
                self._epochs[epoch] = (order, np.cumsum(self.counts[order]))
            return self._epochs[epoch]
