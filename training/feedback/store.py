"""Where rated answers are kept: a JSON-lines file or an SQLite database, by the name's ending. Only ever added to.

Both may be written by several processes at once, and what `add` returned from is on the disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from training.errors import BadInput, TrainingError
from training.feedback.rated import Rated

DATABASES = (".sqlite", ".sqlite3", ".db")
LINES = (".jsonl", ".ndjson")


class Store(Protocol):
    """A place for rated answers."""

    def add(self, rated: Rated) -> None:
        """Keep one. Raises TrainingError when it cannot be written."""
        ...

    def __iter__(self) -> Iterator[Rated]:
        """All of them, oldest first."""
        ...


def open_store(path: Path) -> Store:
    """The store of that name; made when it is first written. Raises BadInput for another ending."""
    if path.suffix in LINES:
        return JsonLines(path)
    if path.suffix in DATABASES:
        return Database(path)
    raise BadInput(f"feedback {path}: the name must end in {', '.join((*LINES, *DATABASES))}")


class JsonLines:
    """One line an answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, rated: Rated) -> None:
        line = (json.dumps(rated.as_dict(), ensure_ascii=False) + "\n").encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # A killed writer may have left half a line: it must not swallow this one.
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    line = line if file.read(1) == b"\n" else b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as problem:
            raise TrainingError(f"feedback {self._path}: cannot be written ({problem.strerror})") from None

    def __iter__(self) -> Iterator[Rated]:
        """Half lines, which a killed writer left, are left out."""
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    try:
                        found = Rated(**json.loads(line))
                    except (ValueError, TypeError):
                        continue
                    yield found
        except FileNotFoundError:
            raise BadInput(f"feedback {self._path}: is not there; nothing was rated yet, or give its path") from None
        except OSError as problem:
            raise BadInput(f"feedback {self._path}: cannot be read ({problem.strerror})") from None


class Database:
    """One row an answer; triggers refuse changes."""

    _MAKE = """
        CREATE TABLE IF NOT EXISTS rated (
          number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, time TEXT NOT NULL, model TEXT NOT NULL,
          prompt TEXT NOT NULL, answer TEXT NOT NULL, rating INTEGER NOT NULL, correction TEXT);
        CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON rated
          BEGIN SELECT RAISE(ABORT, 'rated answers are only ever added'); END;
        CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON rated
          BEGIN SELECT RAISE(ABORT, 'rated answers are only ever added'); END;
    """
    _COLUMNS = "id, time, model, prompt, answer, rating, correction"

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, rated: Rated) -> None:
        row = rated.as_dict()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
                database.executescript(self._MAKE)
                places = ", ".join(f":{name.strip()}" for name in self._COLUMNS.split(","))
                database.execute(f"INSERT INTO rated ({self._COLUMNS}) VALUES ({places})", row)  # noqa: S608 - no input
        except (OSError, sqlite3.Error) as problem:
            raise TrainingError(f"feedback {self._path}: cannot be written ({problem})") from None

    def __iter__(self) -> Iterator[Rated]:
        if not self._path.is_file():
            raise BadInput(f"feedback {self._path}: is not there; nothing was rated yet, or give its path")
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as database:
                database.row_factory = sqlite3.Row
                rows = database.execute(f"SELECT {self._COLUMNS} FROM rated ORDER BY number").fetchall()  # noqa: S608
        except sqlite3.Error as problem:
            raise BadInput(f"feedback {self._path}: cannot be read ({problem})") from None
        yield from (Rated(**dict(row)) for row in rows)
