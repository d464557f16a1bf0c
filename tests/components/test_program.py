"""What of the training program a job carries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components import program
from terminal import UserError


@pytest.mark.parametrize("package", ["training.bench", "training.train", "training.data"])
def test_a_program_fits_into_a_config_map_with_keys_that_one_may_have(package: str) -> None:
    found = program.read(package)
    assert sum(len(text.encode()) for text in found.values()) <= program.LIMIT_BYTES
    keys = program.keys(found)
    assert len(keys) == len(found), "no two files share a key"
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") for key in keys)


def test_a_program_is_complete_it_runs_from_its_own_files_alone(tmp_path: Path) -> None:
    for path, text in program.read("training.data").items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "training.data", "prepare", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path), "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stderr


def test_a_job_carries_what_it_runs_and_not_more() -> None:
    found = {Path(path).parts[1] for path in program.read("training.data")}
    assert "data" in found
    assert not found & {"bench", "serve", "feedback", "image", "requirements.txt", "pyrightconfig.json"}


def test_a_program_that_is_too_large_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "LIMIT_BYTES", 1000)
    with pytest.raises(UserError, match="build it into the image"):
        program.read.__wrapped__("training.data")
