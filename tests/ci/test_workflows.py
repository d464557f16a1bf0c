"""The CI files are well formed and do what a user does: they call the targets of the Makefile."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import REPOSITORY, Settings
from sandbox.toolchain import golang
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Store
from terminal import err
from tests.sandbox.emulated import eventually

FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
GITLAB = REPOSITORY / ".gitlab-ci.yml"
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def document(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs(path: Path) -> dict[str, Any]:
    if path != GITLAB:
        return document(path)["jobs"]
    return {name: job for name, job in document(path).items() if isinstance(job, dict) and "script" in job}


def scripts(path: Path) -> str:
    """Everything that the jobs of a file run."""
    if path == GITLAB:
        return "\n".join(line for job in jobs(path).values() for line in job["script"])
    return "\n".join(step.get("run", "") for job in jobs(path).values() for step in job["steps"])


@pytest.mark.sandbox
def test_actionlint_has_nothing_to_say() -> None:
    if found := shutil.which("actionlint"):
        command, environment = [found], None
    else:
        go = golang.ensure_go(Store(Settings.load().cache / "tools"), Progress(err()))
        command, environment = [str(go.command), "run", ACTIONLINT], {**go.environment, "GOFLAGS": "-modcacherw"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)

    # To get it is one thing, and may be tried again; what it says of the files is another.
    eventually(lambda: run("-version").returncode == 0, 600)
    done = run("-shellcheck=", *map(str, WORKFLOWS))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, GITLAB], ids=lambda path: path.name)
def test_every_command_of_the_toolkit_is_a_target_of_the_makefile(path: Path) -> None:
    text = scripts(path)
    called = set(re.findall(r"\bmake (?:-s )?([a-z-]+)", text))
    assert called <= TARGETS
    assert "python -m" not in text


def test_only_a_protected_environment_creates_things_and_only_by_oidc() -> None:
    for path in WORKFLOWS:
        for job in jobs(path).values():
            runs = " ".join(step.get("run", "") for step in job["steps"])
            if re.search(r"make up\b", runs):
                assert job["environment"]
                assert document(path)["permissions"]["id-token"] == "write"
                assert any("role-to-assume" in (step.get("with") or {}) for step in job["steps"])
    (up,) = [job for job in jobs(GITLAB).values() if "make up" in job["script"]]
    assert up["environment"]["name"] == "$STACK"
    assert up["rules"][0]["when"] == "manual"
    assert document(GITLAB)[up["extends"]]["id_tokens"]["AWS_TOKEN"]["aud"] == "sts.amazonaws.com"


def test_nobody_keeps_a_key_of_the_cloud_in_ci() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in [*WORKFLOWS, GITLAB])
    assert "AWS_SECRET_ACCESS_KEY" not in text
    assert "AWS_ACCESS_KEY_ID" not in text


def test_a_pull_request_has_one_comment_that_is_renewed() -> None:
    (comment,) = [job for name, job in jobs(FOLDER / "preview.yml").items() if name == "comment"]
    (step,) = [step for step in comment["steps"] if "run" in step]
    marker = re.search(r"marker='([^']+)'", step["run"])
    assert marker
    assert f'startswith(\\"{"$marker"}\\")' in step["run"]
    assert "--method PATCH" in step["run"]
    assert comment["permissions"] == {"pull-requests": "write"}


def test_drift_and_orphans_are_looked_for_every_night() -> None:
    assert {"make -s drift", "make -s orphans"} <= set(re.findall(r"make -s \w+", scripts(FOLDER / "nightly.yml")))
    assert document(FOLDER / "nightly.yml")[True]["schedule"]
    assert document(FOLDER / "nightly.yml")["defaults"]["run"]["shell"] == "bash"


def test_every_job_of_gitlab_has_a_stage_that_exists() -> None:
    assert {job["stage"] for job in jobs(GITLAB).values()} <= set(document(GITLAB)["stages"])
