"""Figures of a training run: what a step reports (`record`) and where it goes (`recorder`)."""

from __future__ import annotations

from training.telemetry.record import StepRecord
from training.telemetry.recorder import Recorder

__all__ = ["Recorder", "StepRecord"]
