"""Measurements with JAX: one process a rank, all devices of the rank in it.

`PARTS` maps a part to a function that yields findings; `Session` is the run they share. Only the worker imports this.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jaxlib

from training.bench import options
from training.bench.settings import Settings

from . import allreduce, alltoall, gemm, memory

Finding = dict[str, Any]
MISSING = "it needs torch; this image has JAX"
"""Why a part that is not among PARTS is not measured."""


class Session:
    """One worker's part in the run: joined on entry, left on exit."""

    leads = True
    """Whether this process speaks for its rank; with JAX there is one a rank."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Session:
        settings = self._settings
        if settings.cpu:
            jax.config.update("jax_platforms", "cpu")
        if settings.world_size > 1:
            jax.distributed.initialize(
                coordinator_address=f"{settings.master}:{settings.port}",
                num_processes=settings.world_size,
                process_id=settings.rank,
                initialization_timeout=int(settings.start_seconds),
                coordinator_bind_address=f"0.0.0.0:{settings.port}",
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._settings.world_size > 1:
            jax.distributed.shutdown()

    def meet(self) -> None:
        """Collectives meet by themselves; nothing else here needs the others."""

    @property
    def on_cpu(self) -> bool:
        return jax.default_backend() == "cpu"

    def software(self) -> Finding:
        return {
            "backend": "jax",
            "jax": jax.__version__,
            "jaxlib": jaxlib.__version__,
            "platform": jax.default_backend(),
            "platform_version": jax.local_devices()[0].client.platform_version.splitlines()[0],
            "device_kind": jax.local_devices()[0].device_kind,
            "local_devices": jax.local_device_count(),
            "devices": jax.device_count(),
        }


def _allreduce(session: Session, settings: Settings) -> Iterator[Finding]:
    for size in settings.sizes or options.sizes(session.on_cpu, settings.largest):
        yield allreduce.measure(size, settings.warmup, settings.repetitions)


def _alltoall(session: Session, settings: Settings) -> Iterator[Finding]:
    for size in settings.sizes or options.sizes(session.on_cpu):
        yield alltoall.measure(size, settings.warmup, settings.repetitions)


def _gemm(session: Session, settings: Settings) -> Iterator[Finding]:
    for order in settings.orders or options.orders(session.on_cpu):
        for dtype in settings.dtypes:
            for number, device in enumerate(jax.local_devices()):
                with jax.default_device(device):
                    yield {"device": number, **gemm.measure(order, dtype, settings.warmup, settings.repetitions)}


def _memory(session: Session, settings: Settings) -> Iterator[Finding]:
    size = settings.memory_bytes or options.memory_bytes(session.on_cpu)
    for number, device in enumerate(jax.local_devices()):
        with jax.default_device(device):
            for finding in memory.measure(size, settings.warmup, settings.repetitions):
                yield {"device": number, **finding}


PARTS: dict[str, Callable[[Session, Settings], Iterator[Finding]]] = {
    "allreduce": _allreduce,
    "alltoall": _alltoall,
    "gemm": _gemm,
    "memory": _memory,
}
