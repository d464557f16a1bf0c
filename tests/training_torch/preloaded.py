"""What the fork server of `runs` imports once for all ranks that it forks: everything that a run imports later."""

from __future__ import annotations

import importlib

import torch

torch.set_num_threads(1)
for name in (
    "torch._dynamo",
    "torch.distributed.tensor.parallel",
    "numpy.random",
    "pydantic",
    "safetensors.torch",
    "training.data.prepared",
    "training.data.synthetic",
    "training.models.bert",
    "training.models.bilstm",
    "training.models.bloom",
    "training.models.gpt",
    "training.models.mlp",
    "training.models.resnet",
    "training.telemetry.sinks",
    "training.search.trials",
    "training.train.build",
    "training.train.cli",
    "training.train.export",
    "training.train.faults",
    "training.train.loop",
):
    importlib.import_module(name)
