"""A preset, a YAML file and `--set key=value` flags, put together into one `TrainConfig`. Imports no PyTorch.

Later wins: preset, file, flags. All problems are found at once, each one line naming the key, the value and what is
allowed. Leaves out what only a model or a data set can know (unknown sizes, a vocabulary that is too small).
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from training.errors import BadInput
from training.train.config import TrainConfig

FREE = (
    *("steps", "epochs", "export", "evaluate_every", "evaluate_batches", "device"),
    *("telemetry.", "checkpoint.", "parallel.", "batch."),
    *("data.cache", "data.prefetch", "data.verify", "data.evaluation_samples"),
)
"""Keys, or beginnings of keys, that may change between two halves of a run without making it another run. The samples
of an optimizer step are compared apart: ranks and accumulation may change if their product stays."""


def combine(preset: TrainConfig, file: Path | None, flags: Iterable[str]) -> TrainConfig:
    """The preset as changed by the file, then by the flags `key.key=value`. Raises BadInput with all problems."""
    problems: list[str] = []
    changes = _read(file, problems) if file else []
    for flag in flags:
        key, sign, text = flag.partition("=")
        if not sign or not key.strip():
            problems.append(f"--set {flag}: write it as key=value, for instance optimizer.lr=1e-4")
            continue
        try:
            changes.append((f"--set {key.strip()}", key.strip(), yaml.safe_load(text)))
        except yaml.YAMLError:
            changes.append((f"--set {key.strip()}", key.strip(), text))
    values = to_mapping(preset)
    for origin, key, value in changes:
        _assign(values, origin, key, value, problems)
    if problems:
        raise BadInput(problems)
    return from_mapping(values)


def to_mapping(config: TrainConfig) -> dict[str, Any]:
    """Nested dictionaries, as in a YAML file."""
    return dataclasses.asdict(config)


def from_mapping(values: Mapping[str, Any]) -> TrainConfig:
    """The inverse of `to_mapping`; the values are taken as they are."""
    hints = typing.get_type_hints(TrainConfig)
    return TrainConfig(**{k: hints[k](**v) if dataclasses.is_dataclass(hints[k]) else v for k, v in values.items()})


def identity(config: TrainConfig) -> dict[str, Any]:
    """The settings that decide what the weights become, flat (`optimizer.lr`: value)."""
    return {key: value for key, value in flat(to_mapping(config)).items() if not key.startswith(FREE)}


def config_hash(config: TrainConfig) -> str:
    """SHA-256 over `identity`, hexadecimal."""
    return hashlib.sha256(json.dumps(identity(config), sort_keys=True).encode()).hexdigest()


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"optimizer": {"lr": 1}} as {"optimizer.lr": 1}."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def keys() -> list[str]:
    """Every key that a file or `--set` may name."""
    found = []
    for one in dataclasses.fields(TrainConfig):
        kind = typing.get_type_hints(TrainConfig)[one.name]
        if dataclasses.is_dataclass(kind):
            found += [f"{one.name}.{inner.name}" for inner in dataclasses.fields(kind)]
        elif one.name != "preset":
            found.append(one.name)
    return found


def _read(file: Path, problems: list[str]) -> list[tuple[str, str, Any]]:
    """The changes of a YAML file: origin for messages, key, value."""
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        problems.append(f"--config {file}: {error.strerror}; give a YAML file that can be read")
        return []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.append(f"--config {file}: not YAML: {' '.join(str(error).split())}")
        return []
    if not isinstance(values, Mapping):
        problems.append(f"--config {file}: {type(values).__name__} at the top; write sections such as `optimizer:`")
        return []
    # A run's own config.yaml can be given again: it names the preset that it came from.
    return [
        (f"{file}: {key}", key, value)
        for key, value in flat({k: v for k, v in values.items() if k != "preset"}).items()
    ]


def _assign(values: dict[str, Any], origin: str, key: str, value: Any, problems: list[str]) -> None:
    """Put one value where it belongs, or say why not."""
    if key.startswith("model.overrides."):
        values["model"]["overrides"] = {**values["model"]["overrides"], key.removeprefix("model.overrides."): value}
        return
    if within := [one for one in keys() if one.startswith(f"{key}.")]:
        problems.append(f"{origin}: {value!r} is not a section; its keys are {', '.join(within)}")
        return
    if key not in keys():
        near = difflib.get_close_matches(key, keys(), 3, 0.5) or [one for one in keys() if one.endswith(f".{key}")]
        hint = f"did you mean {' or '.join(near)}?" if near else f"the keys are {', '.join(keys())}"
        problems.append(f"{origin}: there is no such key; {hint}")
        return
    section, _, name = key.rpartition(".")
    owner = typing.get_type_hints(TrainConfig)[section] if section else TrainConfig
    one = next(one for one in dataclasses.fields(owner) if one.name == name)
    target = values[section] if section else values
    try:
        target[name] = _checked(value, typing.get_type_hints(owner)[name], one.metadata)
    except ValueError as problem:
        problems.append(f"{origin}: {value!r} {problem}")


def _checked(value: Any, kind: Any, limits: Mapping[str, Any]) -> Any:
    """The value in the setting's type. Raises ValueError("is not ..."), to be put after the value."""
    optional = isinstance(kind, types.UnionType)
    if value is None or (optional and value == "none"):
        if optional:
            return None
        raise ValueError("is not allowed; give a value")
    base = next(one for one in typing.get_args(kind) if one is not types.NoneType) if optional else kind
    found = _converted(value, base)
    if limits["choices"] and found not in limits["choices"]:
        near = difflib.get_close_matches(str(found), limits["choices"], 1)
        raise ValueError(
            f"is not one of {', '.join(limits['choices'])}" + (f"; did you mean {near[0]}?" if near else "")
        )
    for name, words, holds in (
        ("least", "at least", lambda bound: found >= bound),
        ("above", "above", lambda bound: found > bound),
        ("most", "at most", lambda bound: found <= bound),
    ):
        if limits[name] is not None and not holds(limits[name]):
            raise ValueError(f"is not {words} {limits[name]:g} ({limits['help']})")
    return found


def _converted(value: Any, base: Any) -> Any:
    if base is bool:
        if not isinstance(value, bool):
            raise ValueError("is not true or false")
        return value
    if base in {int, float}:
        try:
            # YAML 1.1 reads 1e-4 as text: a number all the same.
            found = base(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            found = None
        if found is None or (base is int and isinstance(value, float) and value != found):
            raise ValueError(f"is not a {'whole number' if base is int else 'number'}")
        return found
    if base is str:
        if isinstance(value, Mapping | list):
            raise ValueError("is not a text")
        return str(value)
    if not isinstance(value, Mapping):
        raise ValueError("is not a section of keys and values")
    return dict(value)
