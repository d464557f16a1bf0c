"""The trained model as safetensors in a folder of its own, however its parameters are spread.

Beside it lies what a server must do to its input: the tokenizer and the preprocessing of the data.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

from training import models, weights
from training.data import preprocessing
from training.models.interface import Model
from training.train.config import TrainConfig


def settings(config: TrainConfig) -> dict[str, object]:
    """The model's own configuration fields of a run."""
    chosen = {**models.size(config.model.name, config.model.size), **config.model.overrides}
    if config.model.name in {"bloom", "gpt"}:
        chosen.setdefault("sequence_length", config.data.sequence_length)
    if config.model.activation_checkpointing:
        chosen["checkpointing"] = True
    return chosen


def write(model: nn.Module, config: TrainConfig, folder: Path) -> None:
    """Gather the parameters on rank 0 and write them there; every rank calls this."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(model, options=options)
    if dist.get_rank() == 0:
        # A fresh model on the CPU takes them: the one in training may be in shards.
        whole: Model = models.build(config.model.name, settings(config), device="meta")
        whole.to_empty(device=torch.device("cpu"))
        whole.load_state_dict(state)
        weights.export(whole, folder)
        # A server must read as the training did.
        preprocessing.write(config.data.source, folder, config.data.sequence_length)
    dist.barrier()
