"""Tables that tests may damage: a copy of `catalog/data` that the lookups read instead."""

from __future__ import annotations

import functools
import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import describe, package, schema, table


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tables. What was read before is forgotten, here and after the test."""
    copy = tmp_path / "data"
    shutil.copytree(table.DATA, copy)
    for module in (table, package, schema, describe):
        monkeypatch.setattr(module, "DATA", copy)
    forget()
    yield copy
    forget()


def forget() -> None:
    """Clear every cache of the catalog's lookups."""
    for cached in (each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)):
        if getattr(cached, "__module__", "").startswith("catalog"):
            cached.cache_clear()
