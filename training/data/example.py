"""Small example data, made here, never fetched: sources for `python -m training.data prepare` to try things with.

Texts are sentences of a small grammar, so a tiny model learns them; images and digits are those of `synthetic`.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.data.spec import IMAGE_MEAN, IMAGE_STD, DataSpec
from training.data.synthetic import Synthetic

WHO = ("the engineer", "the scheduler", "a node", "the switch", "the operator", "our trainer", "the file system")
DOES = ("starts", "stops", "checks", "loads", "saves", "measures", "repairs", "waits for")
WHAT = ("the job", "a checkpoint", "the model", "all shards", "the network", "one epoch", "the benchmark", "its queue")
WHEN = ("at once", "every hour", "in the night", "after a failure", "without a word", "before the next step")
GOOD = ("fast", "reliable", "clear", "wonderful", "excellent", "pleasant", "solid", "a joy")
BAD = ("slow", "broken", "confusing", "terrible", "poor", "annoying", "flaky", "a pity")
CLASSES = ("falling", "rising", "upright")


def write(kind: str, folder: Path, samples: int, seed: int = 0) -> list[Path]:
    """Write source files of the kind and tell which. The same for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[Path, int, int], list[Path]]] = {
        "tokens": _tokens, "texts": _texts, "images": _images, "digits": _digits,
    }  # fmt: skip
    return makers[kind](folder, samples, seed)


def story(chance: random.Random) -> str:
    """One document of five to twenty sentences."""
    parts = (WHO, DOES, WHAT, WHEN)
    return " ".join(
        " ".join(chance.choice(words) for words in parts).capitalize() + "." for _ in range(chance.randint(5, 20))
    )


def review(chance: random.Random, label: str) -> str:
    """One opinion."""
    own, other = (GOOD, BAD) if label == "positive" else (BAD, GOOD)
    said = [f"{chance.choice(WHO)} is {chance.choice(own)}" for _ in range(chance.randint(2, 5))]
    return f"{', and '.join(said)}; not {chance.choice(other)} at all.".capitalize()


def _tokens(folder: Path, samples: int, seed: int) -> list[Path]:
    found = []
    for number in range(min(4, samples)):
        path = folder / f"stories-{number}.jsonl"
        chance = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        with path.open("w", encoding="utf-8") as file:
            for _ in range(number, samples, 4):
                file.write(json.dumps({"text": story(chance)}) + "\n")
        found.append(path)
    return found


def _texts(folder: Path, samples: int, seed: int) -> list[Path]:
    chance, path = random.Random(seed), folder / "reviews.jsonl"  # noqa: S311 - no secret
    with path.open("w", encoding="utf-8") as file:
        for _ in range(samples):
            label = chance.choice(("negative", "positive"))
            file.write(json.dumps({"text": review(chance, label), "label": label}) + "\n")
    return [path]


def _images(folder: Path, samples: int, seed: int) -> list[Path]:
    from PIL import Image

    made = Synthetic(DataSpec("images", classes=len(CLASSES), image_size=96, samples=samples), seed)
    numbers = np.arange(samples)
    batch = made.batch(np.zeros_like(numbers), numbers)
    mean, std = (np.asarray(one)[:, None, None] for one in (IMAGE_MEAN, IMAGE_STD))
    found = []
    for number, (pixels, label) in enumerate(zip(batch["images"], batch["labels"], strict=True)):
        path = folder / CLASSES[label] / f"{number:05d}.png"
        path.parent.mkdir(exist_ok=True)
        content = np.clip((pixels * std + mean) * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(content).save(path)
        found.append(path)
    return found


def _digits(folder: Path, samples: int, seed: int) -> list[Path]:
    found = []
    for prefix, count, offset in (("train", samples, 0), ("t10k", max(samples // 6, 1), samples)):
        numbers = np.arange(offset, offset + count)
        batch = Synthetic(DataSpec("digits", classes=10), seed).batch(np.zeros_like(numbers), numbers)
        images = (batch["images"] * 255).clip(0, 255).astype(np.uint8)
        found += [folder / f"{prefix}-images-idx3-ubyte", folder / f"{prefix}-labels-idx1-ubyte"]
        found[-2].write_bytes(struct.pack(">4I", 2051, count, 28, 28) + images.tobytes())
        found[-1].write_bytes(struct.pack(">2I", 2049, count) + batch["labels"].astype(np.uint8).tobytes())
    return found
