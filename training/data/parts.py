"""The parallel half of a preparation: one task (a file, or some hundred images) becomes one part.

A part is a few array files and, written last, a JSON file that names them: so a part is whole or not there, and a
killed preparation goes on with the next. Runs in worker processes; problems come back as lines.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training import atomic
from training.data import images, shards
from training.data.clean import clean, fits
from training.data.documents import Bad, Document, read
from training.data.duplicates import content_hash, signature
from training.data.files import unwritten
from training.data.recipe import Recipe, digest
from training.data.shards import Entry
from training.data.spec import SPLITS
from training.data.tokenizer import Tokenizer, load
from training.errors import TrainingError

CHUNK_BYTES = 64 << 20
"""What a worker holds before it writes."""
ENCODE_DOCUMENTS = 64
MOST_PROBLEMS = 5
NO_SPLIT, NO_LABEL = -1, -1


@dataclass(frozen=True)
class Task:
    """What one part is made of."""

    files: tuple[str, ...]
    """Relative to `root`."""
    root: str
    state: str
    """Changes when a file or the recipe does."""

    @property
    def name(self) -> str:
        return "part-" + hashlib.sha256(f"{self.root}/{self.files[0]}".encode()).hexdigest()[:16]

    @property
    def paths(self) -> list[Path]:
        return [Path(self.root, file) for file in self.files]


@dataclass
class Part:
    """What a task gave."""

    state: str
    entries: list[Entry] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class _Chunks:
    """Collects records and writes them as array files of bounded size."""

    def __init__(self, task: Task, work: Path) -> None:
        self.part = Part(task.state)
        self._task, self._work = task, work
        self._columns: dict[str, list[Any]] = {}
        self._bytes = 0
        self._labels: dict[str, int] = {}

    def add(
        self, payload: np.ndarray, content: tuple[int, int], label: str | None, split: str | None, **more: Any
    ) -> None:
        number = NO_LABEL if label is None else self._labels.setdefault(label, len(self._labels))
        where = NO_SPLIT if split is None else SPLITS.index(split)  # type: ignore[arg-type]
        row = {"payload": payload, "hash": content, "label": number, "split": where, **more}
        for name, value in row.items():
            self._columns.setdefault(name, []).append(value)
        self._bytes += payload.nbytes
        if self._bytes >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        if not self._columns:
            return
        payload = self._columns["payload"]
        records = len(payload)
        ragged = payload[0].ndim == 1
        arrays = {
            "payload": np.concatenate(payload) if ragged else np.stack(payload),
            "hash": np.asarray(self._columns["hash"], dtype=np.uint64).reshape(records, 2),
            "label": np.asarray(self._columns["label"], dtype=np.int32),
            "split": np.asarray(self._columns["split"], dtype=np.int8),
        }
        if ragged:
            arrays["length"] = np.asarray([len(one) for one in payload], dtype=np.int64)
        if "signature" in self._columns:
            arrays["signature"] = np.stack(self._columns["signature"])
        path = self._work / f"{self._task.name}-{len(self.part.entries):05d}.bin"
        self.part.entries.append(shards.write(path, arrays, records))
        self._columns, self._bytes = {}, 0

    def finish(self) -> Part:
        self.flush()
        self.part.labels = list(self._labels)
        return self.part


def make(task: Task, recipe: Recipe, work: Path, tokenizer: str) -> Part:
    """Make one part, or take the one that is there. Never raises for what the user gave: see `Part.problems`."""
    done = find(task, work)
    if done is not None:
        return done
    chunks = _Chunks(task, work)
    try:
        if recipe.kind in {"tokens", "texts"}:
            counts, problems = _texts(task, recipe, chunks, load(tokenizer))
        else:
            counts, problems = _pictures(task, recipe, chunks)
        part = chunks.finish()
        part.counts, part.problems = dict(counts), problems
        if not problems:
            _store(task, part, work)
    except TrainingError as problem:
        return Part(task.state, problems=problem.problems)
    return part


def find(task: Task, work: Path) -> Part | None:
    """The part of an earlier run, if it is whole and of the same files and recipe."""
    try:
        found = json.loads((work / f"{task.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    part = Part(**{**found, "entries": [Entry(**one) for one in found["entries"]]})
    whole = all((work / one.file).is_file() and (work / one.file).stat().st_size == one.bytes for one in part.entries)
    return part if part.state == task.state and whole else None


def _store(task: Task, part: Part, work: Path) -> None:
    path = work / f"{task.name}.json"
    try:
        atomic.write(path, json.dumps({**vars(part), "entries": [one.as_dict() for one in part.entries]}))
    except OSError as problem:
        raise unwritten(path, problem) from None


def _texts(task: Task, recipe: Recipe, chunks: _Chunks, tokenizer: Tokenizer) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    problems: list[str] = []
    held: list[Document] = []
    for found in _documents(task, recipe, counts, problems):
        held.append(found)
        if len(held) >= ENCODE_DOCUMENTS:
            _encode(held, recipe, chunks, tokenizer)
            held = []
    if held:
        _encode(held, recipe, chunks, tokenizer)
    return counts, problems


def _documents(task: Task, recipe: Recipe, counts: Counter[str], problems: list[str]) -> Iterator[Document]:
    """Cleaned documents that are kept."""
    for path in task.paths:
        for found in read(path, recipe):
            counts["read"] += 1
            if isinstance(found, Bad):
                if _bad(found, recipe, counts, problems):
                    return
                continue
            text = clean(found.text, recipe.clean)
            why = fits(text, recipe)
            if why:
                counts[why] += 1
                continue
            yield Document(text, found.label)


def _encode(documents: list[Document], recipe: Recipe, chunks: _Chunks, tokenizer: Tokenizer) -> None:
    labelled = recipe.kind == "texts"
    dtype = token_dtype(tokenizer.vocabulary)
    encoded = tokenizer.encode([one.text for one in documents], recipe.max_tokens if labelled else None)
    for one, ids in zip(documents, encoded, strict=True):
        ending = [] if labelled else [tokenizer.end]
        more = {"signature": signature(one.text)} if recipe.deduplicate == "near" else {}
        content = content_hash(one.text.encode("utf-8", "replace"))
        chunks.add(np.asarray([*ids, *ending], dtype=dtype), content, one.label, None, **more)


def _pictures(task: Task, recipe: Recipe, chunks: _Chunks) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    problems: list[str] = []
    found = (
        images.read_folder(task.paths, Path(task.root), recipe)
        if recipe.kind == "images"
        else images.read_idx(task.paths[0])
    )
    for one in found:
        counts["read"] += 1
        if isinstance(one, Bad):
            if _bad(one, recipe, counts, problems):
                break
            continue
        chunks.add(one.pixels, content_hash(one.pixels.tobytes()), one.label, one.split)
    return counts, problems


def _bad(found: Bad, recipe: Recipe, counts: Counter[str], problems: list[str]) -> bool:
    """Count or note what could not be read; True when that is enough."""
    if recipe.skip_bad:
        counts["bad"] += 1
        return False
    problems.append(f"{found}; or leave such rows out with --skip-bad")
    return len(problems) >= MOST_PROBLEMS


def token_dtype(vocabulary: int) -> type[np.uint16] | type[np.uint32]:
    """The smallest that holds the ids."""
    return np.uint16 if vocabulary <= 1 << 16 else np.uint32


def state_of(path: Path, recipe: Recipe, tokenizer: str) -> str:
    """Digest of what a part depends on: size and time of the file, recipe, tokenizer."""
    found = path.stat()
    return digest([found.st_size, found.st_mtime_ns, recipe.as_dict(), tokenizer])
