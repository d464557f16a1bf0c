"""One AWS API for these tests, and provider plugins in front of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.processes import free_block
from sandbox.settings import REPOSITORY
from tests.sandbox.providers.aws.plugin import Plugin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "api" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.xdist_group("aws-provider"))


class Api:
    """The running AWS API: its address, and its faults, calls and reset."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _send(self, method: str, path: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else None

    def fail(self, *faults: dict[str, Any]) -> None:
        self._send("PUT", "/_sandbox/faults", list(faults))

    def heal(self) -> None:
        self._send("DELETE", "/_sandbox/faults")

    def calls(self) -> dict[str, int]:
        """How often each operation was called since the last question."""
        found = self._send("GET", "/_sandbox/calls")
        self._send("DELETE", "/_sandbox/calls")
        return found

    def empty(self) -> None:
        """Forget everything, as a restarted daemon would."""
        self._send("POST", "/moto-api/reset", {})

    def client(self, service: str, region: str = "us-east-1") -> Any:
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **keys)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def daemon() -> Iterator[Api]:
    port = free_block(21300 + os.getpid() % 90 * 10, 1)
    command = [sys.executable, "-m", "sandbox.aws", "--port", str(port)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        assert b"AWS API on" in first, first + process.stderr.read()
        # Read on, or a full pipe would stop the daemon.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Api(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def api(daemon: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The AWS API, without faults; the environment of this process points to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", daemon.url)
    monkeypatch.setenv("AIDC_AWS_BACKOFF", "0.001")
    monkeypatch.delenv("AWS_REGION", raising=False)
    daemon.heal()
    daemon.calls()
    yield daemon
    daemon.heal()


@pytest.fixture
def provider(api: Api) -> Iterator[Callable[..., Plugin]]:
    """Makes configured providers: `provider(region="us-east-1", defaultTags={...})`."""
    made: list[Plugin] = []

    def make(**settings: Any) -> Plugin:
        plugin = Plugin()
        made.append(plugin)
        plugin.configure({"region": "us-east-1"} | settings)
        return plugin

    yield make
    for plugin in made:
        plugin.stop()


@pytest.fixture
def plugin(provider: Callable[..., Plugin]) -> Plugin:
    return provider()
