"""What stands for images on this machine: made where that is cheap, asked for where it is not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operations import images
from sandbox import toolchain

JOBS = {"training": {"tiny": {"image": "ai-datacenter/training-cpu:local"}}}


@pytest.fixture
def stack(tmp_path: Path) -> Any:
    config = {f"p:{section}": json.dumps(jobs) for section, jobs in JOBS.items()}
    return SimpleNamespace(settings=SimpleNamespace(state=tmp_path), file=SimpleNamespace(config=config, project="p"))


def test_pytorch_is_never_got_unasked_and_the_image_is_told_as_missing(
    stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bool] = []

    def python(_: Any = None, *, install: bool = True) -> Path | None:
        asked.append(install)
        return None

    monkeypatch.setattr(toolchain, "training_python", python)
    (missing,) = images.provide(stack).items()
    assert asked == [False]
    assert missing[0] == "ai-datacenter/training-cpu:local"
    assert "`make train` gets it" in missing[1]
    assert "`make train` gets it" in capsys.readouterr().err
