"""The optimizer, its learning rate at each step, and the clipping of gradients.

The rate is a pure function of the step, so that a resumed run needs no state for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.optim import SGD, Adam, AdamW, Optimizer

from training.train.config import OptimizerConfig, ScheduleConfig


def make(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """The optimizer over all parameters. Matrices decay, biases and norms do not."""
    groups = [
        {"params": params, "weight_decay": config.weight_decay if decays else 0.0}
        for (decays, _), params in _grouped(model.parameters()).items()
    ]
    if config.name == "sgd":
        # PyTorch (2.15) has no fused SGD for sharded parameters; the loop over all of them at once is next best.
        sharded = any(isinstance(one, DTensor) for one in model.parameters())
        return SGD(groups, lr=config.lr, momentum=config.momentum, fused=(config.fused and not sharded) or None)
    kind = AdamW if config.name == "adamw" else Adam
    return kind(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, fused=config.fused)


def rate(step: int, total: int, optimizer: OptimizerConfig, schedule: ScheduleConfig) -> float:
    """The learning rate of step 1..total: a linear rise over the warm-up, then constant or down to the floor.

    As in transformers (`get_linear_schedule_with_warmup`): the first step has rate 0 when there is a warm-up.
    """
    done = step - 1
    if done < schedule.warmup_steps:
        return optimizer.lr * done / schedule.warmup_steps
    if schedule.name == "constant":
        return optimizer.lr
    progress = min(1.0, (done - schedule.warmup_steps) / max(1, total - schedule.warmup_steps))
    left = 1 - progress if schedule.name == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return optimizer.lr * (schedule.floor + (1 - schedule.floor) * left)


def set_rate(optimizer: Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value


def clip(parameters: Iterable[Tensor], limit: float | None) -> Tensor:
    """Scale all gradients so that their norm is at most `limit`; answers the norm before, a scalar of the whole model.

    PyTorch's own clipping cannot take sharded and plain gradients together: the norm is put together from the groups.
    """
    groups = [[p for p in params if p.grad is not None] for params in _grouped(parameters).values()]
    groups = [params for params in groups if params]
    norms = [_whole(nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])) for params in groups]
    norm = torch.linalg.vector_norm(torch.stack(norms)) if norms else torch.zeros(())
    if limit is not None:
        for params in groups:
            nn.utils.clip_grads_with_norm_(params, limit, norm)
    return norm


def _whole(norm: Tensor) -> Tensor:
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def _grouped(parameters: Iterable[Tensor]) -> dict[tuple[bool, object], list[Tensor]]:
    """Parameters by whether they decay and by the mesh they are sharded over: one fused kernel takes one kind only."""
    found: dict[tuple[bool, object], list[Tensor]] = {}
    for parameter in parameters:
        mesh = parameter.device_mesh if isinstance(parameter, DTensor) else None
        found.setdefault((parameter.ndim >= 2, mesh), []).append(parameter)
    return found
