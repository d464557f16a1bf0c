"""A plugin process: its port, its end, and what it leaves behind (nothing)."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.providers import process, wire
from sandbox.settings import REPOSITORY

LIMIT_SECONDS = 180
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-u", "-m", "tests.sandbox.providers.memory", "127.0.0.1:1"])
print("pid", child.pid, flush=True)
child.wait()
"""


class Running:
    """A plugin started as the engine starts it, or as the child of another process (`orphan`)."""

    def __init__(self, *, orphan: bool = False) -> None:
        command = ["-c", PARENT] if orphan else ["-u", "-m", "tests.sandbox.providers.memory", "127.0.0.1:1"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        self.started = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment)
        lines = [self._line(), self._line()] if orphan else [self._line()]
        port = next(line for line in lines if line.isdigit())
        pid = int(next((line.split()[1] for line in lines if line.startswith("pid")), self.started.pid))
        self.plugin = psutil.Process(pid)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def _line(self) -> str:
        assert self.started.stdout is not None
        return self.started.stdout.readline().strip()

    def slow(self, seconds: float, mark: Path) -> Any:
        """A create that is under way."""
        inputs = wire.struct({"seconds": seconds, "mark": str(mark)})
        request = provider_pb2.CreateRequest(
            urn="urn:pulumi:s::p::m:i:Slow::n", type="m:i:Slow", name="n", properties=inputs
        )
        call = self.stub.Create.future(request)
        assert self._line() == "slow"
        return call

    def stop(self) -> None:
        self.channel.close()
        for one in (self.started, self.plugin):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.started.wait()


@pytest.fixture
def plugin() -> Iterator[Running]:
    running = Running()
    yield running
    running.stop()


def test_the_first_line_is_the_port_and_the_server_answers(plugin: Running) -> None:
    answer = plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="m:i:echo", args=wire.struct({"a": 1})))
    assert wire.props(getattr(answer, "return")) == {"a": 1}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_plugin_ends_at_once_when_it_is_asked_to(plugin: Running, number: int) -> None:
    plugin.plugin.send_signal(number)
    assert plugin.started.wait(LIMIT_SECONDS) == 0


def test_an_interrupt_does_not_break_a_running_call(plugin: Running, tmp_path: Path) -> None:
    call = plugin.slow(1.0, tmp_path / "done")
    plugin.plugin.send_signal(signal.SIGINT)
    assert call.result(timeout=LIMIT_SECONDS).id == "t-1"
    assert (tmp_path / "done").exists()
    assert plugin.started.wait(LIMIT_SECONDS) == 0


@pytest.mark.parametrize("busy", [False, True])
def test_a_plugin_whose_engine_was_killed_ends_after_its_running_call(busy: bool, tmp_path: Path) -> None:
    running = Running(orphan=True)
    try:
        if busy:
            running.slow(1.5, tmp_path / "done")
        running.started.kill()
        running.started.wait()
        running.plugin.wait(LIMIT_SECONDS)
        assert (tmp_path / "done").exists() == busy
    finally:
        running.stop()


def test_the_log_file_appears_with_the_first_problem_only(tmp_path: Path) -> None:
    logger = logging.getLogger("sandbox.providers")
    before = (logger.handlers[:], logger.level, logger.propagate)
    try:
        process.log_to(tmp_path / "logs", "test")
        logger.info("not worth a file")
        assert list((tmp_path / "logs").iterdir()) == []
        logger.warning("a problem")
        assert "a problem" in (tmp_path / "logs" / "provider-test.log").read_text()
    finally:
        for handler in set(logger.handlers) - set(before[0]):
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before[1])
        logger.propagate = before[2]
