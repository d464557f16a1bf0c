"""A headless Chromium driven over its DevTools protocol: enough to open a page, run script in it and take a picture."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import websocket

from tests.sandbox.emulated import eventually

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str | None:
    """A Chromium on PATH, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket, self._last = socket, 0
        self._events: list[str] = []
        self.requests: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            self._note(message)
            if message.get("id") == self._last:
                assert "error" not in message, message
                return message["result"]

    def wait_for(self, event: str) -> None:
        """An event of the last page; it may have come before the answer to the call that opened the page."""
        while event not in self._events:
            self._note(json.loads(self._socket.recv()))

    def _note(self, message: dict[str, Any]) -> None:
        if "method" in message:
            self._events.append(message["method"])
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])

    def open(self, path: Path, width: int, height: int) -> None:
        self.call("Network.enable")
        self.call("Page.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def run(self, script: str) -> Any:
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, element: str) -> None:
        """The mouse on the middle of an element that a script expression gives."""
        at = self.run(
            f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        text = {"Enter": "\r"}.get(key, "")
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=code)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


def _tab(port: str) -> dict[str, Any] | None:
    """The browser listens before it has opened its first tab."""
    with urlopen(f"http://127.0.0.1:{port}/json") as answer:
        return next((entry for entry in json.load(answer) if entry["type"] == "page"), None)


@contextlib.contextmanager
def page() -> Iterator[Page]:
    """A fresh browser with an empty profile; ends with the context."""
    program = find()
    assert program
    # Helpers of the browser write into its profile for a moment longer than it lives itself.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--no-first-run"]
        arguments = [program, *flags, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stderr
                line = next(text for text in process.stderr if "DevTools listening" in text)
                port = line.rsplit(":", 1)[1].partition("/")[0]
                threading.Thread(target=process.stderr.read, daemon=True).start()  # or a full pipe would stop it
                target = eventually(lambda: _tab(port))
                assert target
                socket = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=300, suppress_origin=True)
                yield Page(socket)
                socket.close()
            finally:
                process.terminate()
