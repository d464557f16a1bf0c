"""The JobSet controller is recognised by what lies beside it, and got by building it only."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.toolchain import golang, jobset
from sandbox.toolchain.jobset import JobSet
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.tool import Unavailable
from tests.sandbox.toolchain.fakes import executable

HELP = "echo '  -kube-api-qps float' >&2"


def test_its_version_is_the_pinned_one() -> None:
    assert JobSet().version == golang.pinned(jobset.DIRECTORY, jobset.MODULE).removeprefix("v")
    assert f"v{JobSet().version}" in " ".join(JobSet().module.flags)


def test_only_stacks_that_need_it_get_it() -> None:
    assert "jobset" not in toolchain.NAMES
    assert "jobset" in toolchain.RECIPES


def test_a_program_from_elsewhere_cannot_tell_its_version_and_is_not_taken(tmp_path: Path) -> None:
    program = tmp_path / "jobset"
    executable(program, f"#!/bin/sh\n{HELP}\n")
    assert not JobSet().works(program)
    for name in jobset.FILES.values():
        (tmp_path / name).write_text("")
    assert JobSet().works(program)


@pytest.mark.parametrize("body", ["exit 1", "echo '-kube-api-qps'", "exec /nowhere"])
def test_a_program_that_is_something_else_is_refused(tmp_path: Path, body: str) -> None:
    program = tmp_path / "jobset"
    executable(program, f"#!/bin/sh\n{body}\n")
    for name in jobset.FILES.values():
        (tmp_path / name).write_text("")
    assert not JobSet().works(program)


def test_there_is_no_download_of_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="container image"):
        JobSet().fetch(tmp_path, Progress())


def test_its_definition_webhooks_and_role_come_from_the_same_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied from where Go keeps the module, which go.sum vouches for."""
    module = tmp_path / "module"
    for path, name in jobset.FILES.items():
        (module / path).parent.mkdir(parents=True, exist_ok=True)
        (module / path).write_text(name)
    go = tmp_path / "go"
    executable(go, f"#!/bin/sh\necho {module}\n")
    target = tmp_path / "bin"
    target.mkdir()
    golang.copy_files(golang.Go(go, "1.26.0", {}, own=False), JobSet().module, target, {"PATH": "/usr/bin:/bin"})
    assert {path.name: path.read_text() for path in target.iterdir()} == {name: name for name in jobset.FILES.values()}
