"""What one step of training reports. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step, summed or averaged over all ranks where it says so. None means "not measured", never 0."""

    step: int
    """Counts from 1; the step that was just taken."""
    loss: float
    """Mean over the samples or tokens of the step, all ranks."""
    learning_rate: float
    grad_norm: float | None
    """Norm of all gradients before clipping."""
    tokens: int
    """Tokens seen since the start of training, all ranks; 0 for data without tokens."""
    samples: int
    """Samples seen since the start of training, all ranks."""
    tokens_per_second: float
    """All ranks, this step."""
    samples_per_second: float
    step_s: float
    """Wall seconds of the step, data and a checkpoint before it included."""
    data_s: float = 0.0
    """Of these, waiting for data."""
    checkpoint_s: float = 0.0
    """Of these, held up by the checkpoint of the step before. That of the last step is in the events only."""
    mfu: float | None = None
    """Model FLOP/s achieved / peak of the accelerators, 0..1, by the rule `flops_accounting`."""
    flops_accounting: str | None = None
    """"causal" (6 L s d) or "full" (12 L s d): the rule of the attention term of `mfu`."""
    memory_bytes: int | None = None
    """Highest memory in use so far on this rank's device (host memory of the process on CPUs)."""
    power_w: float | None = None
    """Watts of this rank's accelerator, now."""
    energy_j: float | None = None
    """Joules of this rank's accelerator since the start of the run."""
    epoch: float | None = None
    extra: dict[str, float] = field(default_factory=dict)
    """Further figures by name, for instance `{"accuracy": 0.9}`."""
