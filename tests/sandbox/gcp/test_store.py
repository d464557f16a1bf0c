from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.gcp import store as stores
from sandbox.gcp.store import AlreadyRecorded, Recorded, Store

ENTRY = Recorded("gcp:a/b:C", "projects/p/c/one", "urn:pulumi:s::p::gcp:a/b:C::one", "2026", {"x": 1}, {"y": [1, None]})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "gcp")


def test_what_is_added_is_found_by_another_process_and_can_be_removed(store: Store) -> None:
    store.add(ENTRY)
    other = Store(store.folder)
    assert other.get(ENTRY.type, ENTRY.id) == ENTRY
    assert other.all() == other.of_type(ENTRY.type) == [ENTRY]
    other.remove(ENTRY.type, ENTRY.id)
    other.remove(ENTRY.type, ENTRY.id)
    assert store.get(ENTRY.type, ENTRY.id) is None
    assert store.all() == []


def test_of_many_that_add_the_same_one_wins(store: Store) -> None:
    def add(number: int) -> bool:
        try:
            store.add(replace(ENTRY, urn=str(number)))
        except AlreadyRecorded as error:
            assert error.found.id == ENTRY.id
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(40))) == 1
    assert [path for path in store.folder.iterdir() if path.name.startswith(".")] == []


def test_the_types_of_one_id_are_told_apart(store: Store) -> None:
    store.add(ENTRY)
    store.add(replace(ENTRY, type="gcp:a/b:D"))
    assert len(store.all()) == 2


def test_a_damaged_file_hides_nothing_else(store: Store) -> None:
    store.add(ENTRY)
    (store.folder / "half.json").write_text('{"type": "gcp:a')
    assert store.all() == [ENTRY]


def test_a_change_is_seen_although_the_clock_of_the_disk_stands_still(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes within one tick give the folder one time; only an old time is trusted."""
    monkeypatch.setattr(stores, "SETTLED_NS", 10**18)  # however long this takes, the time is not old
    store.add(ENTRY)
    stamp = store.folder.stat()
    assert store.all() == [ENTRY]
    store.put(replace(ENTRY, id="two"))
    os.utime(store.folder, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert len(store.all()) == 2
    monkeypatch.setattr(stores, "SETTLED_NS", 0)
    assert store.all() is not store.all()
    read: list[Path] = []
    monkeypatch.setattr(stores, "_read", read.append)
    assert len(store.all()) == 2
    assert read == [], "what has not changed is not read again"
