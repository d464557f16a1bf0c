"""Small prepared data for the tests."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.data import example
from training.data.manifest import Manifest
from training.data.prepare import prepare
from training.data.recipe import Recipe

RECIPES: dict[str, dict[str, Any]] = {
    "tokens": {"dev": 0.1},
    "texts": {"label_field": "label", "dev": 0.2},
    "images": {"image_resize": 40, "image_size": 32, "dev": 0.2},
    "digits": {"dev": 0.1},
}


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    """A JSON-lines file; texts become rows with a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = [{"text": row} if isinstance(row, str) else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in objects), encoding="utf-8")
    return path


def stories(folder: Path, files: int, documents: int, seed: int = 0) -> Path:
    """A folder of JSON-lines files, all texts different."""
    for number in range(files):
        chance = random.Random(seed * 100 + number)
        rows = [f"{number}/{one}: {example.story(chance)}" for one in range(documents)]
        write_lines(folder / f"{number:02d}.jsonl", rows)
    return folder


def prepared(folder: Path, kind: str, samples: int = 60, **changes: Any) -> Manifest:
    """Example data of a kind, prepared into `folder`."""
    sources = folder.with_name(f"{folder.name}-sources")
    example.write(kind, sources, samples)
    outcome = prepare([sources], folder, Recipe(kind, **{**RECIPES[kind], **changes}))  # type: ignore[arg-type]
    assert outcome.manifest
    return outcome.manifest
