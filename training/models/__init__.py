"""The models, in plain PyTorch, one module each: bloom, gpt, resnet, bert, bilstm, mlp.

    model = build("bloom", {**CONFIGS["bloom"]["tiny"], "checkpointing": True})
    output = model({"input_ids": ids, "labels": labels})

What goes in and comes out is in `output`. Every model has `config` (its frozen configuration) and `task` ("causal-lm",
"classification", "binary"), and initialises its weights from PyTorch's global generator, again by `init_weights()`;
one that was built on the device "meta" gets memory and weights by `shares.initialise`, also in shards. Causal models
and the encoder also have `blocks()` (the layers, for FSDP2's `fully_shard` and for `torch.compile`), causal ones
`tensor_parallel_plan()` for `parallelize_module`.

Importing this package imports no PyTorch.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from training.errors import BadInput
from training.models.sizes import CONFIGS

if TYPE_CHECKING:
    import torch

    from training.models.interface import Model

__all__ = ["CONFIGS", "build", "configuration", "size"]


def size(name: str, size: str) -> dict[str, Any]:
    """The fields that a named size sets. Raises BadInput naming the sizes there are."""
    if name not in CONFIGS or size not in CONFIGS[name]:
        known = ", ".join(f"{model} {one}" for model, sizes in CONFIGS.items() for one in sizes)
        raise BadInput(f"model {name} {size}: there is no such size; give one of {known}")
    return dict(CONFIGS[name][size])


def configuration(name: str, config: Mapping[str, Any]) -> Any:
    """The model's frozen configuration. Raises BadInput with a line for each unknown key or unfit value."""
    module = _module(name)
    fields = {field.name for field in dataclasses.fields(module.Config)}
    problems = [
        f"model {name}: there is no key {key}; the keys are {', '.join(sorted(fields))}"
        for key in config
        if key not in fields
    ]
    if problems:
        raise BadInput(problems)
    try:
        return module.Config(**config)
    except (TypeError, ValueError) as error:
        raise BadInput(f"model {name}: {error}") from None


def build(name: str, config: Mapping[str, Any], *, device: torch.device | str | None = None) -> Model:
    """The model `name` with fresh weights, float32, in training mode.

    `device` "meta" makes it without memory: shard it, then `shares.initialise`. Raises BadInput.
    """
    import contextlib

    import torch

    settings = configuration(name, config)
    with torch.device(device) if device is not None else contextlib.nullcontext():
        model = _module(name).Model(settings)
    if device is None or torch.device(device).type != "meta":
        model.init_weights()
    return model


def _module(name: str) -> Any:
    if name not in CONFIGS:
        raise BadInput(f"model {name}: there is no such model; give one of {', '.join(CONFIGS)}")
    return importlib.import_module(f"training.models.{name}")
