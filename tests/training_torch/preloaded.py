"""What the fork server of `runs` imports once for all ranks that it forks."""

from __future__ import annotations

import torch

from training.models import bert, bilstm, bloom, gpt, mlp, resnet
from training.train import build, cli, faults, loop

torch.set_num_threads(1)

__all__ = ["bert", "bilstm", "bloom", "build", "cli", "faults", "gpt", "loop", "mlp", "resnet"]
