"""The command, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.data.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["x", *map(str, arguments)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_from_example_sources_to_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, data = tmp_path / "in", tmp_path / "out"
    assert run(monkeypatch, "example", sources, "--samples", 20) == 0
    assert run(monkeypatch, "prepare", sources, "--output", data, "--dev", 0.1, "--workers", 1) == 0
    assert run(monkeypatch, "check", data) == 0
    assert run(monkeypatch, "sample", data, "--count", 1) == 0
    assert "The" in capsys.readouterr().out
    assert run(monkeypatch, "show", data, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["schema_version"] == 1


def test_check_names_every_bad_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, data = tmp_path / "in", tmp_path / "out"
    run(monkeypatch, "example", sources, "--samples", 60)
    run(monkeypatch, "prepare", sources, "--output", data, "--dev", 0.3, "--workers", 1)
    for name in ("train-00000.bin", "dev-00000.bin"):
        content = (data / name).read_bytes()
        (data / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    capsys.readouterr()
    assert run(monkeypatch, "check", data) == 2
    error = capsys.readouterr().err
    assert error.count("is corrupt") == 2
    assert "Traceback" not in error


def test_wrong_settings_are_told_together_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("--kind", "texts", "--clean", "soap", "--dev", "2")
    assert run(monkeypatch, "prepare", tmp_path, "--output", tmp_path / "out", *wrong) == 2
    error = capsys.readouterr().err
    assert error.count("error: ") == 3
    for part in ("clean: 'soap' is not one of plain", "label_field: texts need a label", "dev, test: 2.0"):
        assert part in error


def test_a_job_index_takes_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources, data = tmp_path / "in", tmp_path / "out"
    run(monkeypatch, "example", sources, "--samples", 20)
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    assert run(monkeypatch, "prepare", sources, "--output", data, "--of", 2, "--workers", 1) == 0
    assert "index 1 of 2 is done; 2 parts of other indexes are still missing" in capsys.readouterr().out
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "0")
    assert run(monkeypatch, "prepare", sources, "--output", data, "--of", 2, "--workers", 1) == 0
    assert (data / "manifest.json").is_file()
