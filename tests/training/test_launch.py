"""The launcher of a pod."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from training import launch
from training.launch import Place

JOB = {"JOB_COMPLETION_INDEX": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "run-x-0.run", "MASTER_PORT": "29500"}


def test_a_pod_knows_its_place_and_name_from_its_job() -> None:
    place = Place.of(JOB)
    assert (place.index, place.pods, place.master, place.port) == (1, 2, "run-x-0.run", 29500)
    assert place.own_name == "run-x-1.run"


def test_torchrun_is_told_who_hosts_the_meeting_and_by_which_name_a_pod_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAUNCH_PROCESSES", "8")
    for index, host in (("0", "is_host=1"), ("1", "is_host=0")):
        place = Place.of(JOB | {"JOB_COMPLETION_INDEX": index})
        found = launch.command(place, ["training.train", "--steps", "3"], 3, 60, alone=False)
        assert {"--nnodes=2", "--nproc-per-node=8", "--max-restarts=3", f"--local-addr={place.own_name}"} <= set(found)
        assert any(word.startswith("--rdzv-conf=" + host) for word in found)
        assert found[-4:] == ["-m", "training.train", "--steps", "3"]


def test_a_program_that_finds_its_ranks_by_itself_is_started_without_torchrun() -> None:
    assert launch.command(Place.of(JOB), ["x"], 0, 1, alone=True) == [sys.executable, "-m", "x"]


def test_a_name_that_never_comes_is_told_after_a_bounded_time() -> None:
    with pytest.raises(TimeoutError, match=r"rank 0 \(no-such-host.invalid\) has no address"):
        launch.wait_for("no-such-host.invalid", 0.1)


def test_the_exit_code_and_the_last_json_of_the_program_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    script = "print('talk'); print('{\"a\": 1}'); print('{\"a\": 2}'); print('{cut'); raise SystemExit(7)"
    assert launch.run([sys.executable, "-c", script]) == (7, {"a": 2})
    assert "talk" in capsys.readouterr().out


def test_wrong_settings_end_with_2_before_anybody_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "refuses.py").write_text("import sys; sys.exit(2)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("MASTER_ADDR", "no-such-host.invalid")
    assert launch.main(["--check=--dry-run", "--", "refuses", "--preset", "x"]) == 2


def test_rank_0_tells_what_the_run_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    (tmp_path / "checkpoints" / "step-5").mkdir(parents=True)
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 5, "loss": 1.0}) + "\n{cut", encoding="utf-8")
    monkeypatch.setattr(launch, "tell", told.append)
    for name, value in {"JOB_COMPLETION_INDEX": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert launch.main(["--alone", "--result", str(tmp_path), "--", "platform"]) == 0
    (found,) = told
    assert (found["exit_code"], found["last"], found["checkpoints"]) == (0, {"step": 5, "loss": 1.0}, ["step-5"])


@pytest.mark.parametrize(("each", "tells"), [(["--each"], 1), ([], 0)])
def test_every_pod_tells_where_no_first_one_knows_it_all(
    monkeypatch: pytest.MonkeyPatch, each: list[str], tells: int
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(launch, "tell", told.append)
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "3")
    assert launch.main([*each, "--alone", "--", "platform"]) == 0
    assert len(told) == tells


TORCHRUN = """
import os, subprocess, sys
for life, code in enumerate(sys.argv[1:]):
    env = {**os.environ, "TORCHELASTIC_RESTART_COUNT": str(life)}
    word = f"from training.errors import leave_code; leave_code({code}); raise SystemExit({code})"
    found = subprocess.run([sys.executable, "-c", word], env=env, check=False).returncode
raise SystemExit(1 if found else 0)
"""


@pytest.mark.parametrize(
    ("lives", "code"), [(["2"], 2), (["75"], 75), (["1", "75"], 75), (["1", "0"], 0), (["75", "1"], 1)]
)
def test_a_code_that_torchrun_makes_1_of_is_that_of_its_last_processes(lives: list[str], code: int) -> None:
    """75 (asked to stop) is no failure for a Job, 2 (wrong settings) is not tried again."""
    assert launch.run([sys.executable, "-c", TORCHRUN, *lives])[0] == code


def test_wrong_settings_that_only_a_process_finds_end_torchrun_at_once() -> None:
    found = "from training.errors import leave_code; leave_code(2); import time; time.sleep(600)"
    assert launch.run([sys.executable, "-c", found])[0] == 2
