"""What to measure and with whom: from the environment of the job and the command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .arithmetic import parse_size

ELEMENT_BYTES = 4  # float32
DTYPES = ("float32", "bfloat16", "float16")
PARTS = (
    "gemm", "memory", "allreduce", "alltoall", "storage", "metadata", "checkpoint", "dataloader", "train",
)  # fmt: skip
ALL = "all"
BACKENDS = ("auto", "jax", "torch")


class UsageError(Exception):
    """Settings that cannot be: one line each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Settings:
    """One rank's part in one run."""

    rank: int
    world_size: int
    master: str
    """Name or address of rank 0."""
    port: int
    """JAX's coordinator listens here on rank 0, our own reports go to the port above."""
    slices: int
    """TPU slices that the ranks are spread over; 1 on everything else."""
    parts: tuple[str, ...]
    sizes: tuple[int, ...] | None
    """All-reduce message sizes in bytes per rank; None: by the kind of device."""
    orders: tuple[int, ...] | None
    """Orders of the square matrices; None: by the kind of device."""
    dtypes: tuple[str, ...]
    warmup: int
    repetitions: int
    start_seconds: float
    """How long to wait for the other ranks."""
    limit_seconds: float
    """How long the measurement may take once all ranks are there."""
    backend: str
    """jax, torch, or auto: JAX where it can be imported, else torch."""
    cpu: bool
    """Whether accelerators are left alone."""
    storage: str
    """Folder that is measured, and where checkpoints and data of the measurements go."""
    largest: int
    """All-reduce message size in bytes that is reached on accelerators."""
    memory_bytes: int | None
    """Bytes of one array of the memory measurement; None: by the kind of device."""
    file_bytes: int | None
    """Bytes that each rank writes and reads; None: by the kind of device."""
    preset: str
    """Training preset of the parts train and dataloader."""
    steps: int
    """Steps of the part train, warm-up included."""
    peak_tflops: float | None
    """Of one accelerator in bfloat16, dense: what MFU is a share of; None: MFU is not measured."""
    config_map: str | None
    """Where rank 0 writes the result in its own namespace."""
    output: str | None
    """Folder in which rank 0 writes `result.json`."""
    thresholds: str | None
    """File with the thresholds that the result is held against."""

    @property
    def report_port(self) -> int:
        return self.port + 1


def load(parts: tuple[str, ...], flags: Mapping[str, str | None], env: Mapping[str, str] = os.environ) -> Settings:
    """Flags win over the environment. Raises UsageError with all problems."""
    problems: list[str] = []

    def value(names: tuple[str, ...], default: str, convert: Callable[[str], Any], what: str) -> Any:
        name, text = next(((name, env[name]) for name in names if env.get(name)), (names[0], default))
        flag = names[0].removeprefix("BENCH_").lower().replace("_", "-")
        if flags.get(flag):
            name, text = f"--{flag}", str(flags[flag])
        try:
            return convert(text)
        except ValueError as problem:
            problems.append(f"{name}: {problem if what == '' else f'{text!r} is not {what}'}")
            return convert(default)  # not used: the problems are raised below

    rank = value(("RANK", "JOB_COMPLETION_INDEX"), "0", _at_least(0), "a rank (0, 1, ...)")
    world = value(("WORLD_SIZE",), "1", _at_least(1), "a number of ranks (1, 2, ...)")
    slices = value(("MEGASCALE_NUM_SLICES",), "1", _at_least(1), "a number of slices (1, 2, ...)")
    own = value(("MEGASCALE_SLICE_ID",), "0", _at_least(0), "a slice (0, 1, ...)")
    if not env.get("RANK"):  # over several slices of TPUs every slice is a Job of its own, whose pods count from 0
        rank += own * (world // slices)
    port = value(("MASTER_PORT",), "29500", _at_least(1), "a port (1-65534)")
    found = {
        "sizes": value(("BENCH_SIZES",), "", _listed(parse_size), ""),
        "orders": value(("BENCH_ORDERS",), "", _listed(_at_least(1)), "a list of matrix orders such as 512,1024"),
        "dtypes": value(("BENCH_DTYPES",), "float32,bfloat16", _listed(_one_of(DTYPES)), ""),
        "warmup": value(("BENCH_WARMUP",), "2", _at_least(0), "a number (0, 1, ...)"),
        "repetitions": value(("BENCH_REPETITIONS",), "10", _at_least(1), "a number (1, 2, ...)"),
        "start_seconds": value(("BENCH_START_SECONDS",), "300", _positive, "a number of seconds above 0"),
        "limit_seconds": value(("BENCH_LIMIT_SECONDS",), "1800", _positive, "a number of seconds above 0"),
        "backend": value(("BENCH_BACKEND",), "auto", _one_of(BACKENDS), ""),
        "cpu": value(("BENCH_CPU",), "0", _flag, "yes or no (1, 0)"),
        "storage": value(("BENCH_STORAGE",), tempfile.gettempdir(), _folder, ""),
        "largest": value(("BENCH_LARGEST",), "16GiB", parse_size, ""),
        "memory_bytes": value(("BENCH_MEMORY_BYTES",), "", _maybe(parse_size), ""),
        "file_bytes": value(("BENCH_FILE_BYTES",), "", _maybe(parse_size), ""),
        "preset": value(("BENCH_PRESET",), "", str, ""),
        "steps": value(("BENCH_STEPS",), "20", _at_least(2), "a number of steps (2, 3, ...)"),
        "peak_tflops": value(("BENCH_PEAK_TFLOPS",), "", _maybe(_positive), "a number of TFLOP/s above 0"),
        "thresholds": value(("BENCH_THRESHOLDS",), "", _maybe(str), ""),
        "output": value(("BENCH_OUTPUT",), "", _maybe(str), ""),
    }
    if rank >= world and not problems:
        problems.append(f"rank {rank} of {world} ranks: ranks count from 0, give WORLD_SIZE above the rank")
    if port > 65534:
        problems.append(f"MASTER_PORT: {port} is not a port (1-65534; the one above it is used too)")
    if found["sizes"] and any(size % ELEMENT_BYTES for size in found["sizes"]):
        problems.append(f"BENCH_SIZES: every size must be a multiple of {ELEMENT_BYTES} bytes, one float32")
    allowed = (*PARTS, ALL)
    problems += [
        f"{part}: no such benchmark; choose from {', '.join(allowed)}" for part in parts if part not in allowed
    ]
    if problems:
        raise UsageError(problems)
    return Settings(
        rank=rank,
        world_size=world,
        slices=slices,
        master=env.get("MASTER_ADDR") or "127.0.0.1",
        port=port,
        parts=PARTS if not parts or ALL in parts else tuple(part for part in PARTS if part in parts),
        config_map=env.get("RESULT_CONFIGMAP") or None,
        **found,
    )


def _at_least(least: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if int(text) < least:
            raise ValueError(text)
        return int(text)

    return convert


def _positive(text: str) -> float:
    if float(text) <= 0:
        raise ValueError(text)
    return float(text)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"{text!r} is not one of {', '.join(allowed)}")
        return text

    return convert


def _flag(text: str) -> bool:
    try:
        return {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _folder(text: str) -> str:
    if not os.path.isdir(text):  # noqa: PTH112 - the text stays as it was given
        raise ValueError(f"{text!r} is not a folder that is there")
    return text


def _maybe(one: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: one(text) if text else None


def _listed(one: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...] | None]:
    return lambda text: tuple(one(part.strip()) for part in text.split(",") if part.strip()) or None
