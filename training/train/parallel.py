"""Which rank does what: the process group, and the model copied (DDP), sharded (FSDP2) or split (tensor parallel).

One process is a world of one rank with the same code. Ranks that split matrices among each other (tensor parallel) work
on the same samples: they are one data rank. Leaves out pipeline and expert parallelism.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import parallelize_module
from torch.nn.parallel import DistributedDataParallel

from training.errors import BadInput
from training.models.interface import Model
from training.train import meeting
from training.train.config import ParallelConfig, TrainConfig

GATHERED = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
"""What FSDP sends of the parameters, by precision; gradients are summed in float32."""

FAREWELL_S = 2.0
"""How long rank 0 waits, when it fails, for others that fail of the same."""


@dataclass(frozen=True)
class Layout:
    """This process among the others."""

    rank: int
    world: int
    device: torch.device
    mesh: DeviceMesh
    """[data ranks, tensor ranks]"""
    tensor_world: int
    """Ranks that share each matrix; they are neighbours."""

    @property
    def data_rank(self) -> int:
        return self.rank // self.tensor_world

    @property
    def data_world(self) -> int:
        return self.world // self.tensor_world


def join(config: TrainConfig) -> Layout:
    """Find the other ranks as torchrun names them; without it, be alone. Raises BadInput, TrainingError."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and "RANK" not in os.environ:
        raise BadInput(f"WORLD_SIZE: {world} ranks, and RANK does not say which this is; start it with torchrun")
    tensor = tensor_degree(config.parallel, world)
    cuda = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    if cuda and not torch.cuda.is_available():
        raise BadInput("device: cuda is not available here; give cpu or auto")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high" if config.tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = config.tf32
    meeting.join("cpu:gloo,cuda:nccl" if cuda else "gloo", config.parallel.timeout_s)
    mesh = init_device_mesh(device.type, (world // tensor, tensor), mesh_dim_names=("data", "tensor"))
    return Layout(dist.get_rank(), world, device, mesh, tensor)


def tensor_degree(parallel: ParallelConfig, world: int) -> int:
    """How many ranks share each matrix. Raises BadInput when that does not divide the world."""
    if "tensor" not in parallel.strategy:
        return 1
    degree = parallel.tensor or (world if parallel.strategy == "tensor" else 2)
    if parallel.strategy == "tensor" and degree != world:
        raise BadInput(f"parallel.tensor: {degree} is not the {world} ranks there are; give {world} or fsdp+tensor")
    if world % degree:
        raise BadInput(f"parallel.tensor: {degree} does not divide the {world} ranks there are; give a divisor")
    return degree


def shard(model: Model, config: TrainConfig, layout: Layout) -> None:
    """Split and shard a model among the ranks, and compile it, in place. It may have no memory yet. Raises BadInput."""
    strategy = config.parallel.strategy
    if config.precision == "fp16" and strategy != "ddp":
        raise BadInput(f"precision: fp16 cannot scale the gradients of {strategy}; use bf16, or parallel.strategy ddp")
    if layout.tensor_world > 1:
        if not (plan := model.tensor_parallel_plan()):
            raise BadInput(f"parallel.strategy {strategy}: {config.model.name} cannot be split; use ddp or fsdp")
        parallelize_module(model, layout.mesh["tensor"], plan)
    if config.compile:
        # In place and by block where there are any: names stay, and each block is compiled once for all.
        for part in model.blocks() or [model]:
            part.compile()
    if "fsdp" in strategy:
        policy = MixedPrecisionPolicy(param_dtype=GATHERED[config.precision], reduce_dtype=torch.float32)
        if config.precision == "fp32":
            policy = MixedPrecisionPolicy()
        kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - what all of them are
        norms: list[nn.Module] = [one for one in model.modules() if isinstance(one, kind)]
        if norms:
            # Weights and running statistics must be of one type, and statistics in bfloat16 would stand still. All in
            # one exchange: they are small.
            exact = MixedPrecisionPolicy(reduce_dtype=torch.float32, cast_forward_inputs=False)
            fully_shard(norms, mesh=layout.mesh["data"], mp_policy=exact, reshard_after_forward=False)
        for block in model.blocks():
            fully_shard(block, mesh=layout.mesh["data"], mp_policy=policy)
        fully_shard(model, mesh=layout.mesh["data"], mp_policy=policy)


def copied(model: Model, config: TrainConfig, layout: Layout) -> nn.Module:
    """The model as this rank calls it, which is in DDP's wrapper where ranks hold copies. All have the same weights."""
    if layout.data_world > 1 and "fsdp" not in config.parallel.strategy:
        return DistributedDataParallel(model, gradient_as_bucket_view=True)
    return model


def agree_on_gradients(model: nn.Module, layout: Layout) -> None:
    """Give the ranks that split matrices the same gradients of what each of them has whole: norms, embedding, biases.

    They work it out from the same numbers, but not all kernels sum in the same order, and a little each step would
    drive the copies apart.
    """
    if layout.tensor_world == 1:
        return
    group, waiting = layout.mesh.get_group("tensor"), []
    for parameter in model.parameters():
        found = parameter.grad
        if found is None or (isinstance(found, DTensor) and "tensor" in (found.device_mesh.mesh_dim_names or ())):
            continue
        own = found.to_local() if isinstance(found, DTensor) else found
        waiting.append((own, dist.all_reduce(own, group=group, async_op=True)))
    for own, work in waiting:
        assert work is not None
        work.wait()
        own.div_(layout.tensor_world)


@contextlib.contextmanager
def exchanging(model: nn.Module, now: bool) -> Iterator[None]:
    """Around forward and backward: ranks exchange gradients only in the last of the accumulated passes."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(now)
        yield
    elif isinstance(model, DistributedDataParallel) and not now:
        with model.no_sync():
            yield
    else:
        yield


def plain(model: nn.Module) -> nn.Module:
    """The model without DDP's wrapper."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def mean(values: torch.Tensor) -> torch.Tensor:
    """The mean over all ranks, in place."""
    dist.all_reduce(values)
    return values.div_(dist.get_world_size())


def share_buffers(model: nn.Module) -> None:
    """Give all ranks the buffers of rank 0: running statistics of batch norms differ by the samples a rank saw."""
    if dist.get_world_size() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def leave() -> None:
    """End the process group."""
    if dist.is_initialized():
        dist.destroy_process_group()


def is_first_to_say(text: str) -> bool:
    """Whether no other rank has said this: the ranks' common store knows. True where it cannot be asked."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return True
    topic = f"said/{hashlib.sha256(text.encode()).hexdigest()}"
    try:
        store = dist.distributed_c10d._get_default_store()  # noqa: SLF001 - there is no public way to it
        first = store.add(topic, 1) == 1
        end = time.monotonic() + FAREWELL_S
        # Without torchrun the store lives in rank 0: it stays until the others have asked.
        while dist.get_rank() == 0 and store.add(topic, 0) < dist.get_world_size() and time.monotonic() < end:
            time.sleep(0.01)
    except (RuntimeError, OSError):
        return True
    return first
