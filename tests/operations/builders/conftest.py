"""A build to ask for, and programs on PATH that write down what they were asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operations.builders import Build

DIGEST = "sha256:" + "d" * 64
BASE = "public.ecr.aws/team/base@sha256:" + "b" * 64
RECORDER = """#!{python}
import json, os, pathlib, sys
seen = {{"arguments": sys.argv[1:], "files": {{}}}}
for argument in sys.argv[1:]:
    path = pathlib.Path(argument.partition("=")[2] if argument.startswith("--config") else argument)
    if path.is_dir():
        seen["files"] = {{str(one.relative_to(path)): one.read_text() for one in path.rglob("*") if one.is_file()}}
    elif path.suffix == ".json" and path.is_file():
        seen["files"][path.name] = path.read_text()
with open({log!r}, "a") as log:
    log.write(json.dumps(seen) + "\\n")
{script}
"""


@pytest.fixture
def wanted() -> Build:
    return Build(
        {"Dockerfile": b"FROM x\n", "training/__init__.py": b""},
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/site/training",
        "c-1",
        BASE,
        "abc",
        expect="cuda,efa",
    )


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[dict[str, Any]]]]:
    """`program(name, script)` puts a program on PATH; what it returns gives its calls so far."""
    import sys

    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, script: str) -> Callable[[], list[dict[str, Any]]]:
        log = tmp_path / f"{name}.log"
        path = folder / name
        path.write_text(RECORDER.format(python=sys.executable, log=str(log), script=script))
        path.chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []

    return put
