"""Reading of prepared data, and everything that can be wrong with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training_torch.data.samples import prepared, write_lines
from training.data import DataSpec, manifest, objects, open_stream
from training.data import prepared as reading
from training.data.cache import Cache
from training.data.prepare import prepare
from training.data.recipe import Recipe
from training.errors import BadInput


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared") / "tokens"
    prepared(folder, "tokens", shard_bytes=4096)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "data")


def spec(folder: Path | str, **more: object) -> DataSpec:
    return DataSpec("tokens", str(folder), sequence_length=32, vocabulary=259, prefetch=0, **more)  # type: ignore[arg-type]


def run_through(wanted: DataSpec) -> list[torch.Tensor]:
    with open_stream(replace(wanted, repeat=False), rank=0, world=1, seed=0, batch_size=8) as stream:
        return [batch["input_ids"] for batch in stream]


def refused(wanted: DataSpec) -> str:
    with pytest.raises(BadInput) as caught:
        run_through(wanted)
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_a_missing_shard_is_one_clear_message(folder: Path) -> None:
    shard = folder / "train-00001.bin"
    shard.unlink()
    text = refused(spec(folder))
    assert text.startswith(f"shard {shard}: is missing")
    assert "prepare the data again" in text


def test_a_shard_that_is_cut_off_is_one_clear_message(folder: Path) -> None:
    shard = folder / "train-00001.bin"
    shard.write_bytes(shard.read_bytes()[:-10])
    assert "has 4086 bytes, the manifest says 4096" in refused(spec(folder))


def test_a_flipped_bit_is_found_by_the_checksum_on_first_use(folder: Path) -> None:
    shard = folder / "train-00001.bin"
    content = bytearray(shard.read_bytes())
    content[1000] ^= 1
    shard.write_bytes(content)
    assert f"shard {shard}: is corrupt" in refused(spec(folder))
    assert run_through(spec(folder, verify="size"))  # not read whole, so not found: the price of that setting


def test_a_manifest_that_is_cut_off_is_one_clear_message(folder: Path) -> None:
    path = folder / manifest.FILE_NAME
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refused(spec(folder)).startswith(f"manifest {path}: is cut off")


def test_a_manifest_that_was_changed_is_refused(folder: Path) -> None:
    path = folder / manifest.FILE_NAME
    found = json.loads(path.read_text())
    found["splits"]["train"].pop()
    path.write_text(json.dumps(found))
    assert "was changed after it was written" in refused(spec(folder))


def test_a_folder_that_is_not_finished_says_so(tmp_path: Path) -> None:
    assert "is not finished: run the same prepare command again" in refused(spec(tmp_path))
    assert "is no such folder" in refused(spec(tmp_path / "nowhere"))


def test_a_vocabulary_that_is_too_small_is_refused(folder: Path) -> None:
    text = refused(replace(spec(folder), vocabulary=100))
    assert "has 259 token ids (tokenizer byte), the model's vocabulary has 100" in text


def test_another_kind_or_a_split_that_is_not_there_is_refused(folder: Path) -> None:
    assert "was prepared as tokens, this run reads texts" in refused(replace(spec(folder), kind="texts"))
    assert "has no split 'test' (it has train, dev)" in refused(replace(spec(folder), split="test"))


def test_more_classes_than_the_model_has_are_refused(tmp_path: Path) -> None:
    prepared(tmp_path / "digits", "digits")
    text = refused(DataSpec("digits", str(tmp_path / "digits"), classes=2))
    assert "has 10 classes" in text


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    prepared(tmp_path / "images", "images")
    text = refused(DataSpec("images", str(tmp_path / "images"), classes=3, image_size=224))
    assert "images have 32 pixels a side, this run reads 224" in text


def test_the_cache_gives_the_same_data_and_survives_the_loss_of_the_source(folder: Path, tmp_path: Path) -> None:
    wanted = run_through(spec(folder))
    cached = spec(folder, cache=tmp_path / "cache")
    assert all(map(torch.equal, wanted, run_through(cached)))
    for shard in folder.glob("*.bin"):
        shard.write_bytes(bytes(shard.stat().st_size))  # other content of the same size: only the copies are right
    assert all(map(torch.equal, wanted, run_through(cached)))


def test_a_corrupt_shard_does_not_get_into_the_cache(folder: Path, tmp_path: Path) -> None:
    shard = folder / "train-00000.bin"
    shard.write_bytes(bytes(shard.stat().st_size))
    assert "shard train-00000.bin: is corrupt" in refused(spec(folder, cache=tmp_path / "cache"))
    names = {entry.sha256 for entry in manifest.read(folder).splits["train"]}
    held = {path.name for path in (tmp_path / "cache").iterdir() if not path.suffix}
    assert held < names


def test_a_source_without_a_folder_is_read_through_a_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Remote(objects.Folder):
        def __init__(self, url: str) -> None:
            super().__init__(folder)
            self.local = None

    wanted = run_through(spec(folder))
    monkeypatch.setattr(reading, "open_store", Remote)
    monkeypatch.setattr(Cache, "default_folder", staticmethod(lambda: tmp_path / "default"))
    assert all(map(torch.equal, wanted, run_through(spec("s3://bucket/prefix"))))
    assert any((tmp_path / "default").iterdir())
    (folder / manifest.FILE_NAME).unlink()
    assert "data s3://bucket/prefix: has no manifest.json" in refused(spec("s3://bucket/prefix"))


def test_texts_longer_than_the_model_reads_are_cut_and_shorter_ones_padded(tmp_path: Path) -> None:
    prepared(tmp_path / "texts", "texts", samples=40)
    wanted = DataSpec("texts", str(tmp_path / "texts"), sequence_length=80, vocabulary=259, shuffle=False, repeat=False)
    with open_stream(wanted, rank=0, world=1, seed=0, batch_size=64) as stream:
        batch = next(stream)
    lengths = batch["attention_mask"].sum(1)
    assert lengths.min() < 80 == lengths.max()
    assert (batch["input_ids"][:, 0] == 1).all()  # the token a classifier reads
    assert (batch["input_ids"][batch["attention_mask"] == 0] == 0).all()


def test_images_are_normalised_by_the_statistics_of_imagenet(tmp_path: Path) -> None:
    prepared(tmp_path / "images", "images", samples=30)
    wanted = DataSpec("images", str(tmp_path / "images"), classes=3, image_size=32, shuffle=False, prefetch=0)
    with open_stream(wanted, rank=0, world=1, seed=0, batch_size=1) as stream:
        found = next(stream)["images"][0].numpy()
    source = reading.Prepared(wanted)
    pixels = source._arrays(0)["images"][0].astype(np.float64) / 255
    by_hand = (pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    assert np.abs(found - by_hand.transpose(2, 0, 1)).max() < 1e-5


def test_texts_are_padded_with_0_whatever_the_tokenizers_own_padding_is(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"[UNK]": 0, "</s>": 1, "good": 2, "[PAD]": 3}
    own = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()  # type: ignore[assignment]
    own.save(str(tmp_path / "own.json"))
    write_lines(tmp_path / "in" / "a.jsonl", [{"text": "good good", "label": 0}])
    recipe = Recipe("texts", tokenizer=str(tmp_path / "own.json"), label_field="label")
    assert prepare([tmp_path / "in"], tmp_path / "out", recipe).manifest
    wanted = DataSpec("texts", str(tmp_path / "out"), sequence_length=4, prefetch=0)
    with open_stream(wanted, rank=0, world=1, seed=0, batch_size=1) as stream:
        assert next(stream)["input_ids"].tolist() == [[2, 2, 0, 0]]
