"""Docker and gcloud are called with the pinned base, SBOM and provenance, and what they say is the digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from operations.builders import Build, cloudbuild, docker
from terminal import UserError
from tests.operations.builders.conftest import BASE, DIGEST

Program = Callable[..., Callable[[], list[dict[str, Any]]]]
WRITES_METADATA = f"""
path = next(a.partition("=")[2] for a in sys.argv if a.startswith("--metadata-file="))
pathlib.Path(path).write_text(json.dumps({{"containerimage.digest": "{DIGEST}"}}))
"""


def test_docker_gets_the_context_and_its_digest_is_given_back(program: Program, wanted: Build) -> None:
    calls = program("docker", WRITES_METADATA)
    assert docker.build(wanted) == DIGEST
    (call,) = calls()
    assert call["files"] == {"Dockerfile": "FROM x\n", "training/__init__.py": ""}
    expected = {"--push", "--sbom=true", "--provenance=mode=max", f"--tag={wanted.name}", f"--build-arg=BASE={BASE}"}
    assert expected | {"--build-arg=EXPECT=cuda,efa", "--platform=linux/amd64"} <= set(call["arguments"])


@pytest.mark.parametrize(
    ("script", "said"), [("sys.exit(7)", "ended with exit code 7"), ("", "did not say its digest")]
)
def test_a_build_that_fails_is_one_line(program: Program, wanted: Build, script: str, said: str) -> None:
    program("docker", script)
    with pytest.raises(UserError, match=said) as error:
        docker.build(wanted)
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(("builder", "name"), [(docker, "docker"), (cloudbuild, "gcloud")])
def test_a_program_that_is_missing_is_named(program: Program, wanted: Build, builder: Any, name: str) -> None:
    with pytest.raises(UserError, match=f"^{name} is not on PATH; "):
        builder.build(wanted)


def test_cloud_build_builds_with_attestations_and_the_registry_says_the_digest(program: Program, wanted: Build) -> None:
    calls = program("gcloud", f'print("{DIGEST}") if "describe" in sys.argv else None')
    assert cloudbuild.build(wanted) == DIGEST
    submit, describe = calls()
    assert submit["arguments"][:2] == ["builds", "submit"]
    (configuration,) = submit["files"].values()
    arguments = json.loads(configuration)["steps"][1]["args"]
    assert {"--push", "--sbom=true", "--provenance=mode=max", f"BASE={BASE}", wanted.name} <= set(arguments)
    assert describe["arguments"][:5] == ["artifacts", "docker", "images", "describe", wanted.name]


def test_an_image_that_is_not_in_the_registry_after_the_build_is_a_failure(program: Program, wanted: Build) -> None:
    program("gcloud", 'sys.exit(1 if "describe" in sys.argv else 0)')
    with pytest.raises(UserError, match=r"Cloud Build ended well, but .*:c-1 is not in the registry"):
        cloudbuild.build(wanted)
