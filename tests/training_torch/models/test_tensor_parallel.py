"""A decoder split inside its layers over ranks gives the loss and the gradients of the whole one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import multiprocessing
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import parallelize_module

from tests.training_torch.models.samples import assert_same, batch, gradients, tiny
from training.errors import BadInput

NAMES = ("bloom", "gpt")


def rank(number: int, ranks: int, folder: str) -> None:
    """One rank's part; rank 0 writes what came out."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/rendezvous", rank=number, world_size=ranks)
    try:
        mesh = init_device_mesh("cpu", (ranks,))
        for name in NAMES:
            model = tiny(name, initializer_range=0.2)
            parallelize_module(model, mesh, model.tensor_parallel_plan())
            loss = model(batch(name)).loss
            assert loss is not None
            loss.backward()
            whole = {
                key: value.full_tensor() if isinstance(value, DTensor) else value
                for key, value in gradients(model).items()
            }
            if number == 0:
                torch.save({**whole, "loss": loss.detach()}, f"{folder}/{name}")
    finally:
        dist.destroy_process_group()


def test_two_ranks_compute_what_one_does(tmp_path: Path) -> None:
    multiprocessing.spawn(rank, (2, str(tmp_path)), nprocs=2)  # type: ignore[attr-defined]
    for name in NAMES:
        model = tiny(name, initializer_range=0.2)
        loss = model(batch(name)).loss
        assert loss is not None
        loss.backward()
        assert_same(torch.load(tmp_path / name), {**gradients(model), "loss": loss.detach()}, 1e-5)


def test_heads_that_cannot_be_split_name_the_sizes_that_can() -> None:
    from training.models.causal import SplitHeads

    class Mesh:
        def size(self) -> int:
            return 3

    attention = tiny("bloom").get_submodule("h.0.self_attention")
    with pytest.raises(BadInput, match="tensor parallel size 3: 4 heads cannot be split so; give one of 1, 2, 4"):
        SplitHeads()._apply(attention, Mesh())  # type: ignore[arg-type]
