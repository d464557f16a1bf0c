"""Readers of images: folders with one folder a class, and MNIST's idx files. Bytes of pixels out, not yet floats.

Needs Pillow for image folders.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import gzip
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data.documents import Bad
from training.data.recipe import Recipe
from training.data.spec import SPLITS

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm")
SPLIT_NAMES = {"train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
               "test": "test"}  # fmt: skip
IDX_IMAGES = re.compile(r"^(train|t10k|test|dev|val)-images[-.]idx3-ubyte(\.gz)?$")
IDX_MAGIC = {1: 2049, 3: 2051}
"""First four bytes by number of dimensions, unsigned bytes (yann.lecun.com/exdb/mnist)."""


@dataclass(frozen=True)
class Picture:
    """Pixels [H, W, 3] or [28, 28], uint8."""

    pixels: np.ndarray
    label: str
    split: str | None
    """Where the files say it; None: by the recipe."""


def read_folder(paths: list[Path], root: Path, recipe: Recipe) -> Iterator[Picture | Bad]:
    """Images of `root`/[split/]class/..., resized so that the shorter side is `image_resize`, then cropped."""
    try:
        from PIL import Image
    except ImportError:
        yield Bad(str(root), "image folders need the package pillow; pip install it")
        return
    for path in paths:
        parts = list(path.relative_to(root).parts[:-1])
        split = SPLIT_NAMES.get(parts[0].lower()) if len(parts) > 1 else None
        if not parts or (split and len(parts) < 2):
            yield Bad(str(path), "lies in no class folder; images lie in CLASS/ or SPLIT/CLASS/")
            continue
        try:
            with Image.open(path) as opened:
                pixels = crop(opened.convert("RGB"), recipe.image_resize, recipe.image_size)
        except (OSError, ValueError, Image.DecompressionBombError) as problem:
            yield Bad(str(path), f"is no image that can be read ({problem})")
            continue
        yield Picture(pixels, parts[1] if split else parts[0], split)


def crop(image: object, resize: int, size: int) -> np.ndarray:
    """Bilinear resize of the shorter side, then the centre: uint8 [size, size, 3]."""
    from PIL import Image

    assert isinstance(image, Image.Image)
    scale = resize / min(image.size)
    width, height = (max(round(side * scale), resize) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.uint8)


def read_idx(path: Path) -> Iterator[Picture | Bad]:
    """The digits of one idx file of images and the file of labels beside it. `t10k` is the test split."""
    prefix = path.name.split("-")[0]
    split = {"train": None, "t10k": "test", **{name: SPLIT_NAMES.get(name) for name in (*SPLITS, "val")}}.get(prefix)
    labels_path = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    if prefix == "train":
        split = None  # the recipe may take a dev split out of it
    try:
        images, labels = _idx(path, 3), _idx(labels_path, 1)
    except ValueError as problem:
        yield Bad(*str(problem).split("|", 1))
        return
    if len(images) != len(labels):
        yield Bad(str(path), f"has {len(images)} images, {labels_path.name} has {len(labels)} labels; get both again")
        return
    if images.shape[1:] != (28, 28):
        yield Bad(str(path), f"images are {images.shape[1]} x {images.shape[2]}; digits are 28 x 28")
        return
    for pixels, label in zip(images, labels, strict=True):
        yield Picture(pixels, str(label), split)


def _idx(path: Path, dimensions: int) -> np.ndarray:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as problem:
        raise ValueError(f"{path}|cannot be read ({problem}); get it again") from None
    head = 4 * (dimensions + 1)
    if len(content) < head or struct.unpack(">I", content[:4])[0] != IDX_MAGIC[dimensions]:
        raise ValueError(f"{path}|is no idx file of {dimensions} dimensions of unsigned bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:head])
    if len(content) - head != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(
            f"{path}|is cut off: {len(content) - head} bytes of {' x '.join(map(str, shape))}; get it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(shape)
