"""Readers of text: plain text, JSON lines, CSV and Parquet files, gzipped or not, as a stream of documents.

Nothing is held whole but one document (a row group of a Parquet file). A row that cannot be read is a `Bad`, with its
place; the caller decides whether that ends everything.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import csv
import gzip
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data.recipe import FOLDER_LABEL, Recipe

TEXT, ROWS, PARQUET = (".txt", ".md", ".text"), (".jsonl", ".ndjson"), (".parquet",)
SUFFIXES = (*TEXT, *ROWS, ".csv", *PARQUET)
BATCH_ROWS = 1024


@dataclass(frozen=True)
class Document:
    """One text, with its label where the recipe names one."""

    text: str
    label: str | None = None


@dataclass(frozen=True)
class Bad:
    """Something that could not be read: where and why."""

    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


def suffix(path: Path) -> str:
    """The suffix that tells the format, without `.gz`."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def read(path: Path, recipe: Recipe) -> Iterator[Document | Bad]:
    """The documents of one file. What ends the file early (a broken archive) is a `Bad` at its end."""
    kind = suffix(path)
    try:
        if kind in PARQUET:
            yield from _rows(path, recipe, _parquet_rows(path, recipe))
        elif kind in ROWS:
            with _open(path) as lines:
                yield from _rows(path, recipe, _json_rows(lines))
        elif kind == ".csv":
            with _open(path) as lines:
                yield from _rows(path, recipe, _csv_rows(lines))
        else:
            with _open(path) as lines:
                label = path.parent.name if recipe.label_field == FOLDER_LABEL else None
                yield from (Document(text, label) for text in _texts(lines, recipe) if text.strip())
    except UnicodeDecodeError as problem:
        yield Bad(str(path), f"is not UTF-8 from byte {problem.start} on ({problem.reason}); convert it with iconv")
    except (OSError, EOFError) as problem:
        yield Bad(str(path), f"cannot be read to its end: {problem}")


def _open(path: Path) -> io.TextIOBase:
    if path.suffix.lower() == ".gz":
        return io.TextIOWrapper(gzip.GzipFile(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _texts(lines: Iterable[str], recipe: Recipe) -> Iterator[str]:
    if recipe.documents == "line":
        yield from lines
        return
    if recipe.documents == "file":
        yield "".join(lines)
        return
    held: list[str] = []
    for line in lines:
        if line.strip():
            held.append(line)
        elif held:
            yield "".join(held)
            held = []
    yield "".join(held)


def _rows(path: Path, recipe: Recipe, rows: Iterable[tuple[int, Any]]) -> Iterator[Document | Bad]:
    """Documents of numbered rows; a row that is no mapping is what is wrong with it."""
    for number, row in rows:
        where = f"{path}:{number}"
        if not isinstance(row, dict):
            yield Bad(where, row if isinstance(row, str) else "is no JSON object")
            continue
        text = row.get(recipe.text_field)
        if not isinstance(text, str):
            keys = ", ".join(sorted(str(key) for key in row)[:8])
            yield Bad(where, f"has no text in {recipe.text_field!r} (it has {keys}); give --text-field")
            continue
        label = None
        if recipe.label_field:
            label = path.parent.name if recipe.label_field == FOLDER_LABEL else row.get(recipe.label_field)
            if label is None:
                yield Bad(where, f"has no label in {recipe.label_field!r}; give --label-field")
                continue
        yield Document(text, None if label is None else str(label))


def _json_rows(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as problem:
                yield number, f"is no JSON ({problem.msg} at column {problem.colno})"


def _csv_rows(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.DictReader(lines)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            yield reader.line_num, f"is no CSV ({problem})"
            continue
        yield reader.line_num, row


def _parquet_rows(path: Path, recipe: Recipe) -> Iterator[tuple[int, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            wanted = {recipe.text_field, recipe.label_field} & set(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=sorted(filter(None, wanted))):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowInvalid as problem:
        raise OSError(f"no whole Parquet file ({str(problem).splitlines()[0]})") from None
