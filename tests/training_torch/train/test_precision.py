"""bf16 and fp16 learn as float32 does; fp16's scale survives a restart."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

import pytest
import torch

from tests.training_torch import runs
from training.train.precision import Precision

QUICK = ("evaluate_batches=0", "export=false")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_and_resumes_exactly(tmp_path: Path, precision: str) -> None:
    settings = (*QUICK, f"precision={precision}")
    whole = runs.run(tmp_path / "whole", "mnist-mlp-tiny", *settings, steps=20)
    assert whole.code == 0, whole.errors()
    losses = list(whole.losses().values())
    assert mean(losses[-5:]) < 0.8 * mean(losses[:5])
    runs.run(tmp_path / "half", "mnist-mlp-tiny", *settings, steps=20, before=killed)
    resumed = runs.run(tmp_path / "half", "mnist-mlp-tiny", *settings, steps=20)
    assert resumed.events("resumed")
    assert resumed.losses() == whole.losses()
    manifest = json.loads((resumed.output / "checkpoints" / "step-20" / "manifest.json").read_text())
    assert ("scale" in manifest["state"]["scaler"]) == (precision == "fp16")


def test_a_language_model_learns_in_fp16_as_in_float32(tmp_path: Path) -> None:
    """Its loss and head are one operation, which the scale of the loss must reach."""
    single, half = (
        runs.run(tmp_path / precision, "bloom-560m-tiny", *QUICK, f"precision={precision}", steps=15).losses()
        for precision in ("fp32", "fp16")
    )
    assert list(half.values()) == pytest.approx(list(single.values()), rel=0.01)
    assert half[15] < 0.95 * half[1]


def killed(_rank: int) -> None:
    runs.at_step(13, runs.kill_after_checkpoint)


def test_a_step_that_overflows_is_left_out_and_the_scale_halved() -> None:
    model = torch.nn.Linear(2, 1)
    before = model.weight.detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    precision = Precision("fp16", torch.device("cpu"))
    scale = precision.state_dict()["scale"]
    precision.backward(model(torch.full((1, 2), 1e38)).sum() * 1e3)
    precision.step(model, optimizer, 1.0)
    assert torch.equal(model.weight, before)
    assert precision.state_dict()["scale"] == scale / 2


def test_fp16_cannot_be_sharded_and_says_what_can(tmp_path: Path) -> None:
    trial = runs.run(tmp_path / "run", "mnist-mlp-tiny", *QUICK, "precision=fp16", "parallel.strategy=fsdp", ranks=2)
    assert trial.code == 2
    assert trial.problems() == [
        "error: precision: fp16 cannot scale the gradients of fsdp; use bf16, or parallel.strategy ddp"
    ]
