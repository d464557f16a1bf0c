"""The AWS API of the local cloud as a process of its own, and what tests do with it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.settings import REPOSITORY


class Api:
    """The running AWS API: its address, and its faults, calls and reset."""

    def __init__(self, url: str) -> None:
        self.url = url

    def _send(self, method: str, path: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=180) as answer:
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

    def peek(self) -> dict[str, int]:
        """The same without forgetting."""
        return self._send("GET", "/_sandbox/calls")

    def empty(self) -> None:
        """Forget everything, as a restarted daemon would."""
        self._send("POST", "/moto-api/reset", {})

    def client(self, service: str, region: str = "us-east-1") -> Any:
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, region_name=region, endpoint_url=self.url, **keys)  # type: ignore[call-overload]


@contextmanager
def running_api(port: int) -> Iterator[Api]:
    """An AWS API on a port of this machine, empty, until the block ends."""
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
        process.wait(timeout=180)
