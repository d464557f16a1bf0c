"""`make image` refuses what cannot be built before anything is started."""

from __future__ import annotations

from typing import Any

import pytest

from operations import image
from terminal import InvalidInput

BASE = "public.ecr.aws/team/base@sha256:" + "b" * 64
GIVEN = {"builder": "docker", "base": BASE, "repository": "training", "expect": "", "platform": "linux/amd64"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"builder": "kaniko"}, "builder: kaniko is not one of codebuild, cloudbuild, buildkit, docker, buildah"),
        ({"base": "pytorch/pytorch:latest"}, "base: pytorch/pytorch:latest is not pinned; give name@sha256:"),
        ({"expect": "cuda,rocm"}, "expect: rocm is not one of cuda, efa, neuron, tpu"),
        ({}, "stack local: the local cloud builds no images"),
    ],
)
def test_what_cannot_be_built_is_one_line(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        image.run("local", **{**GIVEN, **changed})
    (line,) = error.value.problems
    assert line.startswith(said)
