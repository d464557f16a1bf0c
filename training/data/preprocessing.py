"""What was done to data before a model saw it, kept beside the exported model: `preprocessing.json`, `tokenizer.json`.

A server must do the same to what it is asked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training import atomic
from training.data.spec import SYNTHETIC
from training.errors import BadInput

FILE_NAME = "preprocessing.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Preprocessing:
    """Of one prepared data set; see `recipe.Recipe`."""

    kind: str
    tokenizer: str = "byte"
    """"byte", or "tokenizer.json" in the same folder."""
    clean: str = "none"
    classes: list[str] = field(default_factory=list)
    max_tokens: int = 512
    image_resize: int = 256
    image_size: int = 224


def write(source: str, folder: Path, sequence_length: int) -> list[Path]:
    """Copy what a server needs from prepared data into the folder of an exported model; tells the files.

    `sequence_length`: what training read of a text, in tokens; a server reads no more. Nothing for synthetic data,
    whose tokens mean no text. Raises BadInput as the reading of the data does.
    """
    if source == SYNTHETIC:
        return []
    from training.data.objects import open_store
    from training.data.prepared import read_manifest
    from training.data.tokenizer import BYTE
    from training.data.tokenizer import FILE_NAME as TOKENIZER

    store = open_store(source)
    found = read_manifest(source, store)
    bytes_only = not found.tokenizer or found.tokenizer["name"] == BYTE
    settings = {name: found.recipe[name] for name in ("clean", "max_tokens", "image_resize", "image_size")}
    settings["max_tokens"] = min(settings["max_tokens"], sequence_length)
    made = Preprocessing(found.kind, BYTE if bytes_only else TOKENIZER, classes=found.classes, **settings)
    contents = {FILE_NAME: json.dumps({"schema_version": SCHEMA_VERSION, **asdict(made)}, indent=1).encode()}
    if not bytes_only:
        try:
            contents[TOKENIZER] = store.read(TOKENIZER)
        except FileNotFoundError:
            raise BadInput(f"data {source}: has no {TOKENIZER}; upload or prepare it again") from None
    for name, content in contents.items():
        atomic.write(folder / name, content)
    return [folder / name for name in contents]


def read(folder: Path) -> Preprocessing | None:
    """None where there is none. Raises BadInput when it is cut off or of another version."""
    path = folder / FILE_NAME
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = found.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise BadInput(f"{path}: version {version} is not {SCHEMA_VERSION}, which this program reads")
        return Preprocessing(**found)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"{path}: is cut off or not what it should be; export the model again") from None
