"""What the README says is true: its commands exist, its table is current, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess

import pytest

from operations import gallery
from sandbox.settings import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
TARGETS = sorted(set(re.findall(r"\bmake ([a-z-]+)", README)))


def test_the_table_of_stacks_is_current() -> None:
    assert gallery.renewed(README) == README, "run `python -m operations gallery`"


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_it_names_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_two_first_commands_are_up_and_test() -> None:
    assert re.findall(r"^make (\w+)", BLOCKS, re.MULTILINE)[:2] == ["up", "test"]


def test_ci_runs_exactly_the_test_command() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert [line for line in lines if "make" in line] == ["exec make test"]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#h][^)#]*)\)", README))))
def test_every_relative_link_leads_somewhere(link: str) -> None:
    assert (REPOSITORY / link).exists()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python -m ([a-z.]+)", README))))
def test_every_module_it_names_can_be_run(command: str) -> None:
    package = REPOSITORY / command.replace(".", "/")
    assert (package / "__main__.py").exists() or package.with_suffix(".py").exists()
