"""Measured and published speed: training throughput, matrix multiply, collectives, FLOP per token.

These say what a machine delivers, where `instances` says what it promises. Every row names its source; a derived row
says how it was derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from catalog.package import table_info
from catalog.table import rows


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One published training throughput."""

    model: str
    parameters: float | None
    accelerator: str
    accelerators: int | None
    sequence_length: int | None
    precision: str
    parallelism: str | None
    tokens_per_s: float | None
    """Per accelerator."""
    tflops: float | None
    """Model TFLOP/s per accelerator."""
    mfu_pct: float | None
    basis: str
    source: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Matmul:
    """The matrix-multiply rate that an accelerator reaches in practice, TFLOP/s."""

    accelerator: str
    dtype: str
    low: float
    high: float
    theory: float
    source: str
    date: str

    @property
    def efficiency(self) -> tuple[float, float]:
        """Reached part of the peak, 0 to 1: low and high."""
        return self.low / self.theory, self.high / self.theory


@dataclass(frozen=True, slots=True)
class Collective:
    """Measured bus bandwidth of one collective at one message size. Bandwidths in GB/s."""

    platform: str
    accelerator: str
    nodes: int | None
    accelerators: int | None
    collective: str
    message_bytes: int | None
    """None: the source gives an asymptotic peak without its size."""
    bus_gb_s: float
    """As nccl-tests defines it."""
    node_nic_gb_s: float | None
    """Network bandwidth of a node, one direction."""
    wire_cap_gb_s: float | None
    """What the network allows a hierarchical algorithm, without the limit inside the node."""
    condition: str | None
    source: str
    note: str | None
    date: str


@dataclass(frozen=True, slots=True)
class FlopsPerToken:
    """FLOP that one token of training costs, from published throughput."""

    model: str
    sequence_length: int
    samples: int
    median: float
    low: float
    high: float
    source: str
    date: str


@cache
def training_runs() -> tuple[TrainingRun, ...]:
    """Every published run, in the order of the table."""
    return tuple(
        TrainingRun(
            model=row.text("model"),
            parameters=row.maybe_number("params"),
            accelerator=row.text("gpu"),
            accelerators=row.maybe_integer("n_gpus"),
            sequence_length=row.maybe_integer("seq_len"),
            precision=row.text("precision"),
            parallelism=row.maybe_text("parallelism"),
            tokens_per_s=row.maybe_number("tokens_per_s_per_gpu"),
            tflops=row.maybe_number("tflops_per_gpu"),
            mfu_pct=row.maybe_number("mfu"),
            basis=row.text("basis"),
            source=row.text("source"),
            note=row.maybe_text("note"),
        )
        for row in rows("benchmark_tables")
    )


@cache
def matmuls() -> tuple[Matmul, ...]:
    """Matrix-multiply rates by accelerator and number format."""
    date = table_info("achievable_matmul").date
    return tuple(
        Matmul(
            accelerator=row.text("accelerator"),
            dtype=row.text("dtype"),
            low=row.number("achievable_tflops_low"),
            high=row.number("achievable_tflops_high"),
            theory=row.number("theory_tflops"),
            source=row.text("source"),
            date=date,
        )
        for row in rows("achievable_matmul")
    )


@cache
def collectives() -> tuple[Collective, ...]:
    """Bus bandwidths by platform, collective and message size."""
    date = table_info("comm_bandwidth").date
    return tuple(
        Collective(
            platform=row.text("platform"),
            accelerator=row.text("gpu"),
            nodes=row.maybe_integer("nodes"),
            accelerators=row.maybe_integer("gpus"),
            collective=row.text("collective"),
            message_bytes=row.maybe_integer("message_bytes"),
            bus_gb_s=row.number("busbw_gb_s"),
            node_nic_gb_s=row.maybe_number("node_nic_gb_s"),
            wire_cap_gb_s=row.maybe_number("wire_cap_gb_s"),
            condition=row.maybe_text("condition"),
            source=row.text("source"),
            note=row.maybe_text("note"),
            date=date,
        )
        for row in rows("comm_bandwidth")
    )


@cache
def flops_per_token() -> tuple[FlopsPerToken, ...]:
    """FLOP per token by model and sequence length."""
    date = table_info("flops_per_token").date
    return tuple(
        FlopsPerToken(
            model=row.text("model"),
            sequence_length=row.integer("seq_len"),
            samples=row.integer("rows"),
            median=row.number("flops_per_token_median"),
            low=row.number("flops_min"),
            high=row.number("flops_max"),
            source=row.text("source"),
            date=date,
        )
        for row in rows("flops_per_token")
    )
