"""The presets are the recipes they name; a run's settings are the preset's, then the file's, then the flags'."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from training.errors import BadInput
from training.presets import PRESETS, load
from training.train.overrides import combine, config_hash, flat, from_mapping, to_mapping

RECIPES = {
    "bloom-560m": {
        "model.name": "bloom", "model.size": "560m", "data.kind": "tokens", "data.sequence_length": 2048,
        "epochs": 3, "batch.micro": 16, "batch.evaluation": 64, "schedule.name": "linear", "schedule.warmup_steps": 500,
        "optimizer.name": "adamw", "optimizer.lr": 5e-5, "optimizer.weight_decay": 0.01,
    },
    "gpt-1.3b": {"model.name": "gpt", "model.size": "1.3b", "data.sequence_length": 2048, "optimizer.lr": 5e-5},
    "resnet18": {
        "model.name": "resnet", "model.size": "18", "model.weights": None, "data.kind": "images",
        "data.image_size": 224,
        "optimizer.name": "sgd", "optimizer.lr": 0.01, "optimizer.momentum": 0.0, "batch.micro": 32, "epochs": 10,
    },
    "bert-classifier": {
        "model.name": "bert", "model.size": "base", "data.kind": "texts", "data.sequence_length": 512,
        "optimizer.name": "adam", "optimizer.lr": 1e-5, "epochs": 3,
    },
    "bert-bilstm": {
        "model.name": "bilstm", "data.kind": "texts", "data.samples": 10_000, "optimizer.name": "adam", "epochs": 3,
    },
    "mnist-mlp": {
        "model.name": "mlp", "data.kind": "digits", "optimizer.name": "adam", "optimizer.lr": 0.001, "batch.micro": 64,
        "epochs": 10,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_a_preset_has_the_values_of_its_recipe(name: str) -> None:
    found = flat(to_mapping(load(name)))
    assert {key: found[key] for key in RECIPES[name]} == RECIPES[name]


@pytest.mark.parametrize("name", RECIPES)
def test_a_tiny_preset_is_the_same_recipe_on_a_smaller_model(name: str) -> None:
    full, tiny = load(name), load(f"{name}-tiny")
    assert tiny.model.size == "tiny"
    assert (tiny.model.name, tiny.data.kind, tiny.optimizer.name) == (
        full.model.name,
        full.data.kind,
        full.optimizer.name,
    )
    assert tiny.precision == "fp32"


def test_an_unknown_preset_names_the_near_ones() -> None:
    with pytest.raises(BadInput, match="--preset blom-560m: there is no such preset; did you mean bloom-560m"):
        load("blom-560m")
    with pytest.raises(BadInput, match="give one of bloom-560m"):
        load("zzz")


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("optimizer: {lr: 1e-3, clip: none}\nbatch: {micro: 4}\nsteps: 7\n")
    found = combine(load("bloom-560m"), file, ["optimizer.lr=2e-4", "model.overrides.layers=3"])
    assert (found.optimizer.lr, found.optimizer.clip, found.batch.micro, found.steps) == (2e-4, None, 4, 7)
    assert found.optimizer.weight_decay == 0.01
    assert found.model.overrides == {"layers": 3}


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("optimizer: {learning_rate: 1}\nschedule: {name: lineer}\nbatch: 3\n")
    flags = ["optimizer.lr=0", "steps=many", "compile=1", "batch.micro=2.5", "optimizer", "data.kind=none", "seed="]
    with pytest.raises(BadInput) as told:
        combine(load("mnist-mlp"), file, flags)
    assert told.value.problems == [
        "--set optimizer: write it as key=value, for instance optimizer.lr=1e-4",
        (
            f"{file}: optimizer.learning_rate: there is no such key; "
            "did you mean optimizer.name or optimizer.lr or optimizer.weight_decay?"
        ),
        f"{file}: schedule.name: 'lineer' is not one of constant, linear, cosine; did you mean linear?",
        f"{file}: batch: 3 is not a section; its keys are batch.micro, batch.accumulation, batch.evaluation",
        "--set optimizer.lr: 0 is not above 0 (highest learning rate)",
        "--set steps: 'many' is not a whole number",
        "--set compile: 1 is not true or false",
        "--set batch.micro: 2.5 is not a whole number",
        "--set data.kind: 'none' is not one of tokens, texts, images, digits",
        "--set seed: None is not allowed; give a value",
    ]


@pytest.mark.parametrize(
    ("content", "message"), [(None, "No such file"), ("a: [", "not YAML"), ("- 1", "list at the top")]
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "own.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadInput, match=message):
        combine(load("mnist-mlp"), file, [])


@pytest.mark.parametrize("name", PRESETS)
def test_settings_written_down_make_the_same_run(tmp_path: Path, name: str) -> None:
    config = combine(load(name), None, ["seed=5"])
    assert from_mapping(to_mapping(config)) == config
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(to_mapping(config)))
    assert combine(load(name), file, []) == config


def test_the_hash_tells_runs_apart_and_not_halves_of_one() -> None:
    base = load("bloom-560m-tiny")
    same = combine(base, None, ["steps=9", "checkpoint.keep=5", "batch.micro=2", "parallel.strategy=fsdp"])
    other = combine(base, None, ["optimizer.lr=1e-9"])
    assert config_hash(same) == config_hash(base)
    assert config_hash(other) != config_hash(base)
