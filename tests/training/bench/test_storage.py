"""Files: written, read and removed again; figures say how they were got."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from training.bench import figures, metadata, storage

SIZE = storage.BLOCK * storage.THREADS


def test_what_is_asked_for_is_written_and_read_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    found = list(storage.measure(str(tmp_path), SIZE))
    assert [one["operation"] for one in found] == ["write", "read"]
    assert all(one["bytes"] == SIZE and one["seconds"][0] > 0 and one["tool"] == "own loop" for one in found)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_refuses_direct_access_is_measured_through_the_cache_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_allows_direct", lambda _: False)
    monkeypatch.setenv("PATH", "")
    assert {one["direct"] for one in storage.measure(str(tmp_path), SIZE)} == {False}


def test_a_full_disk_is_raised_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(storage, "_write", full)
    with pytest.raises(OSError, match="No space left"):
        list(storage.measure(str(tmp_path), SIZE))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fio", ('{"fio version": "fio-3.36", "jobs": [{"write": {"runtime": 500, "io_bytes": 1000},'
                ' "read": {"runtime": 500, "io_bytes": 1000}}]}')),
        ("ior", ('{"Version": "4.0", "summary": [{"operation": "write", "bwMaxMIB": 32}, {"operation": "read",'
                ' "bwMaxMIB": 32}]}')),
    ],
)  # fmt: skip
def test_a_tool_that_is_present_measures(name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path / "bin", name, f"printf '%s' '{says}'")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    (tmp_path / "data").mkdir()
    found = list(storage.measure(str(tmp_path / "data"), SIZE))
    assert [one["operation"] for one in found] == ["write", "read"]
    assert all(one["tool"].startswith(name) and one["seconds"] == [0.5] for one in found)


def test_a_tool_that_fails_gives_way_to_the_own_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path / "bin", "fio", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}")
    (tmp_path / "data").mkdir()
    assert {one["tool"] for one in storage.measure(str(tmp_path / "data"), SIZE)} == {"own loop"}


def tool(folder: Path, name: str, does: str) -> None:
    folder.mkdir()
    path = folder / name
    path.write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_metadata_operations_are_counted_and_the_files_removed(tmp_path: Path) -> None:
    found = metadata.measure(str(tmp_path), 20)
    assert set(found["seconds"]) == {"create", "stat", "remove"}
    assert list(tmp_path.iterdir()) == []


def test_ranks_add_up_over_the_time_of_the_slowest() -> None:
    one = {"operation": "write", "bytes": 10**9, "seconds": [1.0], "direct": True, "tool": "own loop"}
    other = one | {"seconds": [2.0], "direct": False}
    reports = [{"rank": rank, "figures": {"storage": [found]}} for rank, found in enumerate((one, other))]
    (row,) = figures.of("storage", reports, 2)
    assert (row["gb_per_s"], row["direct"], row["ranks"]) == (1.0, False, 2)
