"""How files become shards: every setting that changes the result. Pure data.

Two preparations with the same recipe and the same files give the same bytes, whatever the number of workers or Job
indexes and however often they were killed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from training.data.spec import KINDS, Kind
from training.errors import BadInput

Clean = Literal["plain", "letters", "none"]
Deduplicate = Literal["exact", "near", "none"]
Documents = Literal["file", "line", "paragraph"]
FOLDER_LABEL = "@folder"


@dataclass(frozen=True)
class Recipe:
    """Settings of a preparation. Checked by `problems`."""

    kind: Kind
    tokenizer: str = "byte"
    """"byte"; "bpe:32000" or "words:32000" (trained on the data); or the path of a `tokenizer.json`."""
    clean: Clean = "plain"
    """"plain": Unicode NFC, no control characters, white space in runs of one; "letters": lower case, everything but
    letters to spaces (the recipe of the BERT-BiLSTM preset); "none"."""
    min_characters: int = 1
    max_characters: int = 10_000_000
    """Documents outside of these are dropped (characters after cleaning)."""
    deduplicate: Deduplicate = "exact"
    near: float = 0.8
    """Estimated Jaccard similarity from which "near" calls two documents the same."""
    documents: Documents = "file"
    """What is one document in a text file."""
    text_field: str = "text"
    label_field: str | None = None
    """Where the label stands in a row of JSONL, CSV or Parquet; "@folder": the name of the file's folder."""
    max_tokens: int = 512
    """Longer texts are cut (kind texts)."""
    dev: float = 0.0
    test: float = 0.0
    """Shares of the documents, chosen by their content, so the same in every run."""
    train_samples: int | None = None
    """Keep this many for training, the rest is "dev" (instead of shares)."""
    image_resize: int = 256
    image_size: int = 224
    """Shorter side after resizing, then side of the centre crop, pixels."""
    shard_bytes: int = 256 << 20
    skip_bad: bool = False
    """Leave out rows and files that cannot be read, and count them; else they end the preparation."""

    def problems(self) -> list[str]:
        """What cannot be, one line each."""
        choices = {"clean": (self.clean, get_args(Clean)), "deduplicate": (self.deduplicate, get_args(Deduplicate))}
        choices |= {"documents": (self.documents, get_args(Documents)), "kind": (self.kind, KINDS)}
        found = [
            f"{name}: {value!r} is not one of {', '.join(allowed)}"
            for name, (value, allowed) in choices.items()
            if value not in allowed
        ]
        found += [
            f"{name}: {getattr(self, name)} is not a number above 0"
            for name in ("max_characters", "max_tokens", "image_resize", "image_size", "shard_bytes")
            if getattr(self, name) < 1
        ]
        if self.kind == "texts" and not self.label_field:
            found.append(f"label_field: texts need a label; name its field, or {FOLDER_LABEL} for the folder's name")
        if not (0 <= self.dev < 1 and 0 <= self.test < 1 and self.dev + self.test < 1):
            found.append(f"dev, test: {self.dev} and {self.test} must be shares of 1 that leave some for training")
        if self.train_samples is not None and (self.train_samples < 1 or self.dev or self.test):
            found.append("train_samples: a number above 0, and not together with dev or test")
        if not 0 < self.near <= 1:
            found.append(f"near: {self.near} is not a similarity (above 0, at most 1)")
        if self.image_resize < self.image_size:
            found.append(f"image_resize: {self.image_resize} is less than image_size {self.image_size}")
        return found

    def checked(self) -> Recipe:
        """Itself. Raises BadInput with all problems."""
        if problems := self.problems():
            raise BadInput(problems)
        return self

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, keys in order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
