"""A whole local cloud for tests, one per test session.

`cloud` is the running `Settings` of a sandbox of its own: `cloud.aws_url`, `cloud.kubernetes_url`,
`cloud.pki / "admin.kubeconfig"`, `cloud.state`. `AIDC_STATE` and `AIDC_PORT` name it while the session lasts, so
`Settings.load()` and child processes find it too. It is shared: use names of your own, remove what you make, and let
everything run when you leave (a daemon may be killed; the supervisor brings it back). For what breaks more than that
there is `own_cloud`, started for the one test that asks for it. Tests that need either are marked `sandbox`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import processes, supervisor
from sandbox.settings import Settings
from tests import ports

OWNER = "owner"
"""File in the state folder: pid and start time of the test session that it belongs to."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a cloud, and keep them in one worker of `pytest -n 2 --dist loadgroup`."""
    for item in items:
        if {"cloud", "own_cloud"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.xdist_group("cloud"))


def new_settings() -> Settings:
    """Settings of a sandbox that does not exist yet: an empty state folder with a short path, ten free ports."""
    return Settings(Path(tempfile.mkdtemp(prefix="aidc-")).resolve(), Settings.load().cache, ports.block())


def sweep() -> None:
    """End the sandboxes of test sessions that were killed: nobody else will, and each takes a gigabyte."""
    for note in Path(tempfile.gettempdir()).glob(f"aidc-*/{OWNER}"):
        words = note.read_text(encoding="utf-8").split()
        if len(words) != 2:
            continue  # it is just being written
        with contextlib.suppress(psutil.Error):
            # Two processes agree on when a third one started but for what the clock was set right in between.
            if abs(psutil.Process(int(words[0])).create_time() - float(words[1])) < 10:
                continue
        settings = Settings(note.parent, Settings.load().cache, ports.FIRST)
        supervisor.stop(settings)
        shutil.rmtree(settings.state, ignore_errors=True)


@contextlib.contextmanager
def running(settings: Settings, extras: Collection[str] = ()) -> Iterator[Settings]:
    """Start a sandbox, with optional daemons; at the end stop it and prove that no process is left."""
    (settings.state / OWNER).write_text(f"{os.getpid()} {psutil.Process().create_time()}", encoding="utf-8")
    try:
        supervisor.start(settings, extras=extras)
        yield settings
    finally:
        supervisor.stop(settings)
        left = processes.ours(settings)
        shutil.rmtree(settings.state, ignore_errors=True)
        assert not left, f"left after stop: {left}"


@pytest.fixture(scope="session")
def cloud() -> Iterator[Settings]:
    sweep()
    settings = new_settings()
    with pytest.MonkeyPatch.context() as patch, running(settings):
        patch.setenv("AIDC_STATE", str(settings.state))
        patch.setenv("AIDC_PORT", str(settings.port))
        yield settings


@pytest.fixture
def own_cloud() -> Iterator[Settings]:
    with running(new_settings()) as settings:
        yield settings
