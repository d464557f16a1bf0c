"""Whether this machine can run pods, and what is said when it cannot."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sandbox.node import check
from sandbox.node.__main__ import app
from sandbox.settings import REPOSITORY

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@linux
def test_without_root_it_says_so_and_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = CliRunner().invoke(app, ["--check"])
    assert answer.exit_code == 1
    assert "need root" in answer.output


def test_without_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "need Linux, this is darwin" in (check.ability().missing or "")


@linux
def test_an_old_kernel_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "h", "4.19.0-1-amd64", "", "x86_64")))
    assert "5.3 or newer" in (check.ability().missing or "")


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_refused_network_is_a_note_and_a_refused_root_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(check, "_try_network", refuse)
    assert check.tried().network == "Operation not permitted"
    monkeypatch.setattr(check, "_try_root", refuse)
    assert check.tried().missing == "pods as processes are not permitted here: Operation not permitted"


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_trying_leaves_this_machine_as_it_was() -> None:
    def state() -> tuple[str, str]:
        mounts = open("/proc/self/mounts", encoding="utf-8").read()  # noqa: PTH123, SIM115
        return mounts, str(sorted(os.listdir("/sys/class/net")))  # noqa: PTH208

    before = state()
    subprocess.run([sys.executable, "-m", "sandbox.node", "--check"], cwd=REPOSITORY, check=True, capture_output=True)
    assert state() == before
