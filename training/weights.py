"""Weights in and out, in Hugging Face's layout: safetensors, whole or in shards, beside a config.json.

Reads local folders only; nothing is ever fetched. How names and shapes correspond is in `layouts`.
"""

from __future__ import annotations

from pathlib import Path

from training.models.interface import Model


def load_weights(model: Model, folder: Path) -> None:
    """Fill the model from a local folder with Hugging Face's weights.

    Raises BadInput with one message that lists the names that are missing, unexpected or of another shape.
    """
    raise NotImplementedError


def export(model: Model, folder: Path) -> None:
    """Write `model.safetensors` and `config.json` in Hugging Face's layout; the folder appears whole or not at all."""
    raise NotImplementedError


def load_exported(folder: Path) -> Model:
    """The model that `export` wrote, in evaluation mode on the CPU. Raises BadInput when it is not one."""
    raise NotImplementedError
