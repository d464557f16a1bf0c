"""Batches for one rank: deterministic, resumable, made ahead by background threads.

A stream is an order of global sample numbers (`order`) over a source (`prepared`, `synthetic`). Ranks share one
counter, the samples seen by all of them together: at step k, rank r takes the samples
`seen + r * batch_size ... seen + (r + 1) * batch_size - 1` and `seen` grows by `world * batch_size`. So a state can be
loaded at any other world size and no sample is missed or seen twice.

Imports torch only when the first batch is made.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# NumPy and torch are in the environment of the trainer, not in that of the toolkit.
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

import numpy as np

from training.data.order import Index, Order
from training.data.spec import KINDS, SPLITS, SYNTHETIC, DataSpec
from training.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    Batch: TypeAlias = dict[str, Tensor]

STATE_VERSION = 1
THREADS = 2


class Source(Protocol):
    """Where samples come from."""

    identity: str
    """Changes when the data does."""
    counts: list[int] | None
    """Samples of each shard; None: endless."""

    def batch(self, shards: Index, samples: Index) -> dict[str, np.ndarray]:
        """The samples [B] in this order, as in `DataSpec`. May be called by several threads."""
        ...


def open_stream(
    spec: DataSpec, *, rank: int, world: int, seed: int, batch_size: int, accelerator: int | None = None
) -> Stream:
    """The batches of one rank.

    `accelerator`: the CUDA device that they go to; the background threads then put them into pinned memory, from where
    they are copied while the device computes.

    Raises BadInput with all problems: unknown kind or split, no such data, wrong kind, data that does not fit into
    `spec.vocabulary`, more classes than `spec.classes`, fewer samples than ranks.
    """
    problems = _problems(spec, rank, world, batch_size)
    if problems:
        raise BadInput(problems)
    if spec.source == SYNTHETIC:
        from training.data.synthetic import Synthetic

        source: Source = Synthetic(spec, seed)
    else:
        from training.data.prepared import Prepared

        source = Prepared(spec)
    stream = Stream(source, spec, rank=rank, world=world, seed=seed, batch_size=batch_size)
    stream.accelerator = accelerator
    return stream


def _problems(spec: DataSpec, rank: int, world: int, batch_size: int) -> list[str]:
    least = {
        "batch_size": batch_size,
        "world": world,
        "sequence_length": spec.sequence_length,
        "vocabulary": spec.vocabulary,
        "classes": spec.classes,
        "image_size": spec.image_size,
        "samples": 1 if spec.samples is None else spec.samples,
        "most": 1 if spec.most is None else spec.most,
    }
    return [
        *([] if spec.kind in KINDS else [f"data kind: {spec.kind!r} is not one of {', '.join(KINDS)}"]),
        *([] if spec.split in SPLITS else [f"data split: {spec.split!r} is not one of {', '.join(SPLITS)}"]),
        *(f"data {name}: {value} is not a number above 0" for name, value in least.items() if value < 1),
        *([] if 0 <= rank < max(world, 1) else [f"rank: {rank} is not below the world size {world}"]),
    ]


class Stream:
    """An iterator over the batches of one rank.

    Endless with `spec.repeat`; else one pass in which every rank gets the same number of batches of the same sizes (at
    most world - 1 samples at the end are left out). Not for use by several threads at once.
    """

    def __init__(self, source: Source, spec: DataSpec, *, rank: int, world: int, seed: int, batch_size: int) -> None:
        self.spec, self.seed, self.batch_size = spec, seed, batch_size
        self._source, self._rank, self._world = source, rank, world
        self._order = None
        if source.counts is not None:
            self._order = Order(source.counts, seed, shuffle=spec.shuffle, most=spec.most)
        if self._order is not None and self._order.total < world:
            raise BadInput(
                f"data {spec.source} {spec.split}: {self._order.total} samples for {world} ranks; "
                "each rank needs at least one: give more data, a shorter sequence or fewer ranks"
            )
        self.accelerator: int | None = None
        """See `open_stream`."""
        self._seen = 0  # by all ranks, as far as the caller has taken batches
        self._ahead = 0  # the same, as far as batches are being made
        self._pending: deque[tuple[int, Future[Batch]]] = deque()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def samples(self) -> int | None:
        """Samples of one epoch, all ranks; None: endless."""
        return None if self._order is None else self._order.total

    @property
    def samples_there(self) -> int | None:
        """Samples of the split, whatever `spec.most` leaves out; None: endless."""
        return None if self._order is None else self._order.there

    @property
    def batches_per_epoch(self) -> int | None:
        """Steps (batches of each rank) until every sample was seen; None: endless data."""
        return None if self.samples is None else -(-self.samples // self._step)

    @property
    def epoch(self) -> float:
        """Epochs seen so far, with fraction; 0 for endless data."""
        return 0.0 if self.samples is None else self._seen / self.samples

    @property
    def samples_seen(self) -> int:
        """By all ranks since the start."""
        return self._seen

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._fill()
        if not self._pending:
            raise StopIteration
        end, future = self._pending.popleft()
        try:
            batch = future.result()
        except BaseException:
            self._forget()  # whoever asks again gets this batch, not the one after it
            raise
        self._seen = end
        return batch

    def state_dict(self) -> dict[str, Any]:
        """The same on every rank: everything that the rest of the stream depends on, as numbers and strings."""
        return {
            "version": STATE_VERSION,
            "samples_seen": self._seen,
            "seed": self.seed,
            "data": self._source.identity,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken, also at another world or batch size. Raises BadInput for other data."""
        wanted = {"version": STATE_VERSION, "seed": self.seed, "data": self._source.identity}
        problems = [
            f"data state {key}: the checkpoint has {state.get(key)!r}, this run {value!r}; "
            "resume with the data, seed and version it was made with, or start the data anew"
            for key, value in wanted.items()
            if state.get(key) != value
        ]
        if problems:
            raise BadInput(problems)
        self._forget()
        self._seen = self._ahead = int(state["samples_seen"])

    def close(self) -> None:
        """End the background threads."""
        self._forget()
        if self._threads:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _step(self) -> int:
        return self._world * self.batch_size

    def _forget(self) -> None:
        for _, future in self._pending:
            future.cancel()
        self._pending.clear()
        self._ahead = self._seen

    def _fill(self) -> None:
        """Start the making of the next batches."""
        while len(self._pending) <= self.spec.prefetch:
            following = self._next_positions()
            if following is None:
                return
            positions, self._ahead = following
            self._pending.append((self._ahead, self._started(positions)))

    def _started(self, positions: Index) -> Future[Batch]:
        if self.spec.prefetch == 0:
            future: Future[Batch] = Future()
            try:
                future.set_result(self._make(positions))
            except Exception as problem:  # noqa: BLE001 - as an executor does; raised by result()
                future.set_exception(problem)
            return future
        if self._threads is None:
            threads = min(THREADS, os.cpu_count() or 1)
            self._threads = ThreadPoolExecutor(threads, thread_name_prefix="data", initializer=self._begin_thread)
        return self._threads.submit(self._make, positions)

    def _next_positions(self) -> tuple[Index, int] | None:
        """This rank's positions in the next batch, and what all ranks have seen after it."""
        start, size, end = self._ahead, self.batch_size, self._ahead + self._step
        if not self.spec.repeat and self.samples is not None and end > self.samples:
            size = (self.samples - start) // self._world
            if size <= 0:
                return None
            end = self.samples
        first = start + self._rank * size
        return np.arange(first, first + size, dtype=np.int64), end

    def _begin_thread(self) -> None:
        """Else the thread's pinned memory would belong to the first accelerator of the machine."""
        if self.accelerator is not None:
            import torch

            torch.cuda.set_device(self.accelerator)

    def _make(self, positions: Index) -> Batch:
        import torch

        if self._order is None:
            shards, samples = np.zeros_like(positions), positions
        else:
            shards, samples = self._order.locate(positions)
        arrays = self._source.batch(shards, samples)
        made = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return made if self.accelerator is None else {name: one.pin_memory() for name, one in made.items()}
