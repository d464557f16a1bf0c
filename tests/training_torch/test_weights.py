"""Weights go out in Hugging Face's layout and come in from it; what does not fit is said in one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BloomConfig, BloomForCausalLM

from tests.training_torch.models.samples import batch, tiny
from training import weights
from training.errors import BadInput, TrainingError
from training.models import CONFIGS, build, size

BLOOM: dict[str, Any] = {"vocab_size": 100, "hidden_size": 32, "n_layer": 2, "n_head": 4}


def theirs(folder: Path, **options: Any) -> BloomForCausalLM:
    """A BLOOM that Hugging Face has saved."""
    torch.manual_seed(5)
    model = BloomForCausalLM(BloomConfig(**BLOOM)).eval()
    model.save_pretrained(folder, **options)
    return model


def fitting(**changes: object) -> dict[str, object]:
    return {"vocab_size": 100, "hidden_size": 32, "layers": 2, "heads": 4, **changes}


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_exported_answers_as_before(name: str, tmp_path: Path) -> None:
    model = tiny(name)
    inputs = {key: value for key, value in batch(name).items() if key != "labels"}
    model.train()
    model(inputs)  # moves the statistics of a batch normalisation
    weights.export(model, tmp_path / "out")
    loaded = weights.load_exported(tmp_path / "out")
    assert loaded.config == model.config
    assert not loaded.training
    assert torch.equal(loaded(inputs).logits, model.eval()(inputs).logits)


def test_an_exported_bloom_is_read_by_transformers_with_equal_logits(tmp_path: Path) -> None:
    model = tiny("bloom", initializer_range=0.2)
    weights.export(model, tmp_path / "out")
    loaded, report = cast(Any, BloomForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True))
    assert not any(report.values()), report
    tokens = batch("bloom")["input_ids"]
    expected = model({"input_ids": tokens}).logits
    torch.testing.assert_close(loaded.eval()(tokens).logits, expected, rtol=1e-5, atol=1e-5)


def test_an_exported_bert_is_read_by_transformers_with_equal_states(tmp_path: Path) -> None:
    model = tiny("bert", initializer_range=0.2).eval()
    weights.export(model, tmp_path / "out")
    loaded = BertModel.from_pretrained(tmp_path / "out", add_pooling_layer=False).eval()
    tokens = batch("bert")["input_ids"]
    expected = model.encode({"input_ids": tokens})  # type: ignore[operator]
    torch.testing.assert_close(loaded(tokens).last_hidden_state, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"max_shard_size": "10KB"}])
def test_bloom_as_hugging_face_saves_it_is_loaded_whole_or_in_shards(options: dict[str, str], tmp_path: Path) -> None:
    model = theirs(tmp_path, **options)
    assert (tmp_path / weights.INDEX).exists() is bool(options)
    ours = weights.load_exported(tmp_path)
    tokens = torch.randint(0, 100, (2, 9))
    torch.testing.assert_close(ours({"input_ids": tokens}).logits, model(tokens).logits, rtol=1e-5, atol=1e-5)


def test_names_without_the_prefix_are_the_same_weights(tmp_path: Path) -> None:
    """As in the repository of bigscience/bloom-560m, in half precision."""
    theirs(tmp_path)
    state = load_file(tmp_path / weights.WHOLE)
    short = {name.removeprefix("transformer."): value.bfloat16() for name, value in state.items()}
    save_file(short, tmp_path / weights.WHOLE)
    model = build("bloom", fitting())
    assert weights.load_weights(model, tmp_path) == []
    loaded = model.state_dict()["h.1.mlp.dense_h_to_4h.weight"]
    assert loaded.dtype is torch.float32
    assert torch.equal(loaded, short["h.1.mlp.dense_h_to_4h.weight"].float())


def test_a_pretrained_encoder_gets_a_fresh_classifier(tmp_path: Path) -> None:
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=512, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
        max_position_embeddings=128,
    )  # fmt: skip
    encoder = BertModel(config).eval()
    encoder.save_pretrained(tmp_path)
    model = tiny("bert").eval()
    before = model.state_dict()["classifier.weight"].clone()
    assert weights.load_weights(model, tmp_path) == ["classifier.weight", "classifier.bias"]
    assert torch.equal(model.state_dict()["classifier.weight"], before)
    tokens = batch("bert")["input_ids"]
    found = model.encode({"input_ids": tokens})  # type: ignore[operator]
    torch.testing.assert_close(found, encoder(tokens).last_hidden_state, rtol=1e-5, atol=1e-5)
    with pytest.raises(BadInput, match=r"holds an encoder without classifier\.weight"):
        weights.load_exported(tmp_path)


def test_weights_that_do_not_fit_are_one_message_and_change_nothing(tmp_path: Path) -> None:
    theirs(tmp_path)
    state = load_file(tmp_path / weights.WHOLE)
    del state["transformer.ln_f.bias"]
    state["transformer.h.0.rotary"] = torch.zeros(3)
    save_file(state, tmp_path / weights.WHOLE)
    model = build("bloom", fitting(vocab_size=90, heads=8))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(BadInput) as error:
        weights.load_weights(model, tmp_path)
    (line,) = error.value.problems
    assert "missing: transformer.ln_f.bias;" in line
    assert "unexpected: transformer.h.0.rotary;" in line
    assert "of another shape: transformer.word_embeddings.weight [100, 32], not [90, 32];" in line
    assert "made with 4 heads, not 8" in line
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_long_list_of_names_is_counted(tmp_path: Path) -> None:
    theirs(tmp_path)
    with pytest.raises(BadInput, match=r"missing: (\S+, ){7}\S+ and \d+ more"):
        weights.load_weights(build("bloom", fitting(layers=4)), tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 2000])
def test_a_file_that_was_cut_short_is_named(kept: int, tmp_path: Path) -> None:
    theirs(tmp_path)
    path = tmp_path / weights.WHOLE
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadInput, match=r"model.safetensors is damaged or cut short"):
        weights.load_weights(build("bloom", fitting()), tmp_path)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    theirs(tmp_path, max_shard_size="10KB")
    shard = sorted(tmp_path.glob("model-*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(BadInput, match=f"has no {shard.name}"):
        weights.load_weights(build("bloom", fitting()), tmp_path)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(BadInput, match="convert them to safetensors"):
        weights.load_weights(build("bloom", fitting()), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "holds no exported model"),
        ("{", "cannot be read"),
        ("[]", "is not a JSON object"),
        ('{"model_type": "llama"}', "model_type llama is not one that is known here"),
        ('{"model_type": "bert"}', "there is no key vocab_size"),
        ('{"training": {"model": "bloom", "config": {"width": 3}}}', "model bloom: there is no key width"),
    ],
)
def test_a_folder_that_is_no_model_is_named(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / weights.CONFIG).write_text(text)
    with pytest.raises(BadInput, match=message):
        weights.load_exported(tmp_path)


def test_an_export_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "out"
    weights.export(tiny("mlp"), folder)
    (folder / "of-the-one-before").touch()
    weights.export(tiny("bloom"), folder)
    assert sorted(path.name for path in folder.iterdir()) == [weights.CONFIG, weights.WHOLE]
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    assert json.loads((folder / weights.CONFIG).read_text())["model_type"] == "bloom"


def test_a_full_disk_leaves_the_export_before_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "out"
    weights.export(tiny("mlp"), folder)

    def full(tensors: object, path: Path, metadata: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(TrainingError, match="out cannot be written: No space left on device"):
        weights.export(tiny("mlp"), folder)
    assert weights.load_exported(folder).config == build("mlp", size("mlp", "tiny")).config
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
