"""Weights in and out, in Hugging Face's layout: safetensors, whole or in shards, beside a config.json.

Reads local folders only; nothing is ever fetched. How names correspond is in `training.models.layouts`. Leaves out
PyTorch's pickled files, which may run code when they are read.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from training import atomic
from training.errors import BadInput, TrainingError
from training.models import build
from training.models.interface import Model
from training.models.layouts import Layout, layout
from training.models.shares import put

CONFIG, WHOLE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
OURS = "training"
"""Section of config.json that names our model and its configuration."""
LISTED = 8
"""Names of one kind that a message lists; the rest are counted."""


def load_weights(model: Model, folder: Path) -> list[str]:
    """Fill the model from a local folder with Hugging Face's or our own exported weights, in the model's types.

    A model in shards takes its share of each, read one after the other.

    Returns our names that stay fresh because the folder has no such head. Raises BadInput, with nothing changed, when
    the weights do not fit: one message that lists what is missing, unexpected or of another shape.
    """
    chosen = layout(name_of(model))
    wanted = dict(model.state_dict())
    with _opened(folder) as (place, shapes):
        found = {chosen.canonical(name): name for name in shapes}
        names = {ours: chosen.on_disk(ours) for ours in wanted}
        known = set(names.values())
        heads = [ours for ours in names if re.search(chosen.may_miss, ours)]
        fresh = heads if not any(names[ours] in found for ours in heads) else []
        missing = sorted(names[ours] for ours in names if names[ours] not in found and ours not in fresh)
        extra = sorted(name for name in found if name not in known and not re.search(chosen.ignored, name))
        shaped = [
            f"{names[ours]} {list(shapes[found[names[ours]]])}, not {list(tensor.shape)}"
            for ours, tensor in wanted.items()
            if names[ours] in found and shapes[found[names[ours]]] != tuple(tensor.shape)
        ]
        problems = [_list(kind, these) for kind, these in
                    (("missing", missing), ("unexpected", extra), ("of another shape", shaped)) if these]  # fmt: skip
        problems += _unlike(model, folder, chosen)
        if problems:
            raise BadInput(
                f"weights in {folder} do not fit model {name_of(model)}: {'; '.join(problems)}. "
                "Give the size that they were made for, or other weights"
            )
        with torch.no_grad():
            for ours, target in wanted.items():
                if ours not in fresh:
                    put(target, place[found[names[ours]]].get_tensor(found[names[ours]]))
    return fresh


def export(model: Model, folder: Path) -> None:
    """Write `model.safetensors` and `config.json`, so that Hugging Face's BLOOM and BERT read them.

    The folder appears whole or not at all; one that was there is replaced. Raises TrainingError when it cannot be
    written, for instance on a full disk.
    """
    name, chosen = name_of(model), layout(name_of(model))
    config = dataclasses.asdict(model.config)
    document = {**(chosen.to_disk(config) if chosen.to_disk else {}), OURS: {"model": name, "config": config}}
    tensors = {chosen.on_disk(ours): tensor.detach().cpu().contiguous() for ours, tensor in _whole(model).items()}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        save_file(tensors, scratch / WHOLE, metadata={"format": "pt"})
        (scratch / CONFIG).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        scratch.chmod(0o755)
        atomic.replace_folder(scratch, folder)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}; free some space or choose "
            "another folder"
        ) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load_exported(folder: Path, device: torch.device | str = "cpu") -> Model:
    """The model in a folder that `export` or Hugging Face wrote, in evaluation mode. Raises BadInput."""
    folder = atomic.present(folder)
    document = _document(folder)
    if document is None:
        raise BadInput(f"{folder} holds no exported model: there is no {CONFIG}; give the folder that `export` wrote")
    if OURS in document:
        name, config = document[OURS]["model"], document[OURS]["config"]
    else:
        name = str(document.get("model_type"))
        reader = layout(name).from_disk
        if reader is None:
            raise BadInput(f"{folder / CONFIG}: model_type {name} is not one that is known here; give bloom or bert")
        try:
            config = reader(document)
        except KeyError as error:
            raise BadInput(f"{folder / CONFIG}: there is no key {error.args[0]}") from None
    model = build(name, config, device="meta").to_empty(device=device)
    if fresh := load_weights(model, folder):
        raise BadInput(
            f"{folder} holds an encoder without {', '.join(fresh)}: train it first (--set model.weights=...)"
        )
    return model.eval()


def name_of(model: Model) -> str:
    """`bloom`, `gpt`, …: the module that the model's configuration comes from."""
    return type(model.config).__module__.rpartition(".")[2]


def _whole(model: Model) -> dict[str, Tensor]:
    state = model.state_dict()
    # A tensor that appears under two names would be refused by safetensors; ours tie by use, not by name.
    return {name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, tuple[int, ...]]]]:
    """Each tensor's open file and shape by its name on disk. Raises BadInput."""
    with ExitStack() as stack:
        place: dict[str, Any] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for path in _files(folder):
            try:
                file = stack.enter_context(safe_open(path, "pt"))
                for name in file.keys():  # noqa: SIM118 - not a dictionary
                    place[name], shapes[name] = file, tuple(file.get_slice(name).get_shape())
            except (SafetensorError, OSError) as error:
                raise BadInput(f"{path} is damaged or cut short: {error}; copy it again") from None
        yield place, shapes


def _files(folder: Path) -> list[Path]:
    if (folder / INDEX).is_file():
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            paths = [folder / name for name in sorted(set(index["weight_map"].values()))]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            raise BadInput(f"{folder / INDEX} is damaged; copy it again") from None
    else:
        paths = [folder / WHOLE]
    if absent := [path.name for path in paths if not path.is_file()]:
        pickled = " (the pickled .bin files there are not read: convert them to safetensors)"
        hint = pickled if list(folder.glob("*.bin")) else ""
        raise BadInput(f"{folder} has no {', '.join(absent)}{hint}; give a local folder with safetensors weights")
    return paths


def _document(folder: Path) -> dict[str, Any] | None:
    try:
        document = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadInput(f"{folder / CONFIG} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise BadInput(f"{folder / CONFIG} is not a JSON object")
    return document


def _unlike(model: Model, folder: Path, chosen: Layout) -> list[str]:
    """What the shapes of weights do not show: the number of heads."""
    document, heads = _document(folder), getattr(model.config, "heads", None)
    if document is None or chosen.from_disk is None or heads is None:
        return []
    theirs = document.get("n_head", document.get("num_attention_heads", heads))
    return [f"made with {theirs} heads, not {heads}"] if theirs != heads else []


def _list(kind: str, names: list[str]) -> str:
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{kind}: {', '.join(names[:LISTED])}{rest}"
