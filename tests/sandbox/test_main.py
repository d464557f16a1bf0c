"""The commands `python -m sandbox ...` as a user calls them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import processes, supervisor
from sandbox.settings import Settings
from tests.sandbox.conftest import new_settings
from tests.sandbox.emulated import eventually


def run(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AIDC_STATE": str(settings.state), "AIDC_PORT": str(settings.port), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        check=False,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def nowhere() -> Iterator[Settings]:
    settings = new_settings()
    yield settings
    shutil.rmtree(settings.state)


def test_status_of_nothing_says_so_and_ends_with_1(nowhere: Settings) -> None:
    done = run(nowhere, "status", "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert document["healthy"] is False
    assert document["nodes"] is None, "nobody could be asked, which is not the same as none"
    assert {daemon["state"] for daemon in document["daemons"]} <= {"stopped", "unavailable"}


def test_down_of_nothing_is_fine(nowhere: Settings) -> None:
    assert run(nowhere, "down").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (["logs", "kubelet"], {}, "error: logs: there is no daemon kubelet; give one of etcd, "),
        (["status"], {"AIDC_PORT": "eighty"}, "error: AIDC_PORT: eighty is not a port"),
        (["reset"], {}, "error: reset: there is no terminal to ask on; give --yes to go ahead"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    nowhere: Settings, arguments: list[str], variables: dict[str, str], line: str
) -> None:
    done = run(nowhere, *arguments, **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_state_folder_that_cannot_be_written_is_told(nowhere: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(nowhere, "down", AIDC_STATE=str(tmp_path / "file" / "state"))
    assert done.returncode == 1
    assert "name another folder with AIDC_STATE" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_daemon_without_a_log_is_told(nowhere: Settings) -> None:
    done = run(nowhere, "logs", "etcd")
    assert (done.returncode, done.stdout) == (1, "")
    assert "`python -m sandbox up` starts it" in done.stderr


def test_the_path_of_a_tool_is_printed_alone_or_what_gets_it(nowhere: Settings, tmp_path: Path) -> None:
    """`make train` reads it; nothing is got unasked."""
    found = run(nowhere, "tools", "--path", "training", AIDC_TRAINING_PYTHON=sys.executable)
    assert (found.returncode, found.stdout) == (0, f"{sys.executable}\n")
    missing = run(nowhere, "tools", "--path", "training", AIDC_TRAINING_PYTHON="", AIDC_CACHE=str(tmp_path / "cache"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "`python -m sandbox tools --install --path training` gets it" in missing.stderr
    assert not (tmp_path / "cache").exists()
    unknown = run(nowhere, "tools", "--path", "nix")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_up_of_a_running_cloud_is_fine_and_says_where_it_is(cloud: Settings) -> None:
    before = processes.ours(cloud)
    done = run(cloud, "up")
    assert done.returncode == 0
    assert cloud.aws_url in done.stderr
    assert processes.ours(cloud) == before


def test_status_names_every_daemon_with_its_process(cloud: Settings) -> None:

    def healthy() -> subprocess.CompletedProcess[str] | None:
        """A daemon that does not answer within two seconds on a busy machine is told to be unwell, as it should be."""
        found = run(cloud, "status", "--format", "json")
        return found if found.returncode == 0 else None

    done = eventually(healthy)
    assert done
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    running = processes.ours(cloud)
    for daemon in document["daemons"]:
        assert daemon["state"] == "unavailable" or running[daemon["pid"]] == daemon["name"]
    assert run(cloud, "status").stdout.startswith("daemon ")


def test_logs_prints_the_last_lines(cloud: Settings) -> None:
    done = run(cloud, "logs", "supervisord", "-n", "2")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2


def test_logs_follows_a_daemon_until_it_is_interrupted(cloud: Settings) -> None:
    command = [sys.executable, "-m", "sandbox", "logs", "supervisord", "-f", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        processes.kill(next(pid for pid, name in processes.ours(cloud).items() if name == "kwok"))
        assert any("kwok" in line for line in process.stdout)
        process.terminate()
    supervisor.wait_ready(cloud, ["kwok"])


def test_coverage_tells_served_from_missing_actions(nowhere: Settings) -> None:
    [eks] = json.loads(run(nowhere, "coverage", "eks", "--format", "json").stdout)["providers"]["aws"]["services"]
    assert "CreateAccessEntry" in eks["filled"]
    assert "CreateFargateProfile" in eks["missing"]
    done = run(nowhere, "coverage", "eck")
    assert done.returncode == 2
    assert "the components use autoscaling, " in done.stderr


def test_coverage_never_calls_google_cloud_emulated(nowhere: Settings) -> None:
    found = json.loads(run(nowhere, "coverage", "gcp", "--format", "json").stdout)["providers"]["gcp"]
    assert found["how"] == "recorded, not emulated"
    assert "gcp:container/nodePool:NodePool" in found["types"]
    assert "gcp: recorded, not emulated" in run(nowhere, "coverage").stdout
