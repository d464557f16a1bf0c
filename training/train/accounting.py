"""What MFU is computed from: the FLOPs of a sample (`training.flops`) and the peak of the device, which a run is told.

The peak is a fact of the hardware: the stack knows it from its catalog and hands it over as `telemetry.peak_tflops`.
"""

from __future__ import annotations

from dataclasses import dataclass

from training import flops
from training.models.interface import Model
from training.train.config import TrainConfig


@dataclass(frozen=True)
class Work:
    """None: not known, so MFU is not measured."""

    flops_of_a_sample: float | None
    """Forward and backward of the model itself; recomputed activations do not count."""
    rule: str | None
    """How attention is counted: "causal" or "full"."""
    peak_flops: float | None
    """Of one accelerator, dense, in the precision of the run."""

    def mfu(self, samples_per_second: float, ranks: int) -> float | None:
        """Model FLOP/s utilisation, 0..1, of all ranks together."""
        if self.flops_of_a_sample is None or self.peak_flops is None:
            return None
        return samples_per_second * self.flops_of_a_sample / (self.peak_flops * ranks)


def work(config: TrainConfig, model: Model) -> Work:
    """Known for language models; other models have no FLOPs per token."""
    peak = config.telemetry.peak_tflops
    shape = architecture(config.model.name, model.config)
    if shape is None:
        return Work(None, None, None)
    length = config.data.sequence_length
    per_token = flops.flops_per_token(shape, length, flops.Accounting.CAUSAL)
    return Work(per_token * length, str(flops.Accounting.CAUSAL), peak * 1e12 if peak else None)


def architecture(name: str, config: object) -> flops.Architecture | None:
    """The shape of one of our language models."""
    if name not in {"bloom", "gpt"}:
        return None
    layers, hidden, heads = (int(getattr(config, field)) for field in ("layers", "hidden_size", "heads"))
    gated = name == "gpt"
    return flops.Architecture(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=int(getattr(config, "kv_heads", None) or heads),
        head_size=hidden // heads,
        ffn=int(getattr(config, "ffn_size", 4 * hidden)),
        vocabulary=int(getattr(config, "vocab_size")),  # noqa: B009 - the configuration has no common type
        gated=gated,
    )
