"""What MFU is computed from: the FLOPs of a sample (`training.models.work`) and the peak of the device.

The peak is a fact of the hardware: the stack knows it from its catalog and hands it over as `telemetry.peak_tflops`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from training.flops import Accounting
from training.models import work as models
from training.models.interface import Model
from training.train.config import TrainConfig


@dataclass(frozen=True)
class Work:
    """None: not known, so MFU is not measured."""

    flops_of_a_sample: float | None
    """Forward and backward of the model itself; recomputed activations do not count."""
    rule: str | None
    """How attention is counted: "causal", "full" or "no attention"."""
    peak_flops: float | None
    """Of one accelerator, dense, in the precision of the run."""

    def mfu(self, samples_per_second: float, ranks: int) -> float | None:
        """Model FLOP/s utilisation, 0..1, of all ranks together."""
        if self.flops_of_a_sample is None or self.peak_flops is None:
            return None
        return samples_per_second * self.flops_of_a_sample / (self.peak_flops * ranks)


def work(config: TrainConfig, model: Model) -> Work:
    """Of this run's model on this run's samples."""
    name, peak = config.model.name, config.telemetry.peak_tflops
    length = config.data.image_size if config.data.kind == "images" else config.data.sequence_length
    operations = models.per_sample(name, dataclasses.asdict(model.config), length, Accounting.CAUSAL)
    return Work(operations, models.rule(name), peak * 1e12 if peak else None)
