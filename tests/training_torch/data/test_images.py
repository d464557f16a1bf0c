"""Image folders and MNIST's files."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training_torch.data.samples import prepared
from training.data import images
from training.data.prepare import prepare
from training.data.recipe import Recipe
from training.errors import BadInput

SMALL = Recipe("images", image_resize=32, image_size=16)


def picture(path: Path, size: tuple[int, int] = (64, 48), colour: tuple[int, int, int] = (10, 20, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_the_shorter_side_is_resized_and_the_centre_cropped() -> None:
    image = Image.new("RGB", (100, 50), (255, 0, 0))
    image.paste((0, 0, 255), (25, 0, 75, 50))  # a blue square in the middle
    found = images.crop(image, 32, 24)
    assert found.shape == (24, 24, 3)
    assert (found[:, 2:-2] == (0, 0, 255)).all()


def test_splits_of_the_folders_are_kept(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for number in range(count):
            picture(tmp_path / "in" / split / "cat" / f"{number}.png", colour=(number, len(split), count))
    found = prepare([tmp_path / "in"], tmp_path / "out", SMALL).manifest
    assert found
    assert found.counts["documents"] == {"train": 3, "dev": 2, "test": 1}
    assert found.classes == ["cat"]


def test_what_is_no_image_or_lies_in_no_class_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "cat" / "1.png")
    picture(tmp_path / "in" / "stray.png")
    (tmp_path / "in" / "cat" / "2.png").write_bytes(b"no picture")
    with pytest.raises(BadInput) as caught:
        prepare([tmp_path / "in"], tmp_path / "out", SMALL)
    assert len(caught.value.problems) == 2
    assert "2.png: is no image that can be read" in str(caught.value)
    assert "stray.png: lies in no class folder" in str(caught.value)


def test_idx_files_give_their_pixels_and_labels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, 5, 28, 28) + pixels.tobytes())
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, 5) + bytes([3, 1, 4, 1, 5]))
    found = list(images.read_idx(tmp_path / "t10k-images-idx3-ubyte"))
    assert all(isinstance(one, images.Picture) for one in found)
    assert [one.label for one in found] == ["3", "1", "4", "1", "5"]  # type: ignore[union-attr]
    assert {one.split for one in found} == {"test"}  # type: ignore[union-attr]
    assert (np.stack([one.pixels for one in found]) == pixels).all()  # type: ignore[union-attr]


def test_idx_files_that_are_cut_off_or_without_labels_are_named(tmp_path: Path) -> None:
    prepared(tmp_path / "out", "digits")
    sources = tmp_path / "out-sources"
    whole = (sources / "train-images-idx3-ubyte").read_bytes()
    (sources / "train-images-idx3-ubyte").write_bytes(whole[:-100])
    (sources / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(BadInput) as caught:
        prepare([sources], tmp_path / "again", Recipe("digits"))
    assert "train-images-idx3-ubyte: is cut off" in str(caught.value)
    assert "t10k-labels-idx1-ubyte: cannot be read" in str(caught.value)


def test_a_digit_that_a_small_set_lacks_is_a_class_all_the_same(tmp_path: Path) -> None:
    assert prepared(tmp_path / "out", "digits", samples=4).classes == [str(digit) for digit in range(10)]
