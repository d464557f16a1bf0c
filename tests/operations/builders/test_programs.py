"""Docker, buildah and gcloud are called with the pinned base, and what they say is the digest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from operations.builders import Build, buildah, cloudbuild, docker
from terminal import UserError
from tests.operations.builders.conftest import BASE, DIGEST

Program = Callable[..., Callable[[], list[dict[str, Any]]]]
WRITES_METADATA = f"""
path = next(a.partition("=")[2] for a in sys.argv if a.startswith("--metadata-file="))
pathlib.Path(path).write_text(json.dumps({{"containerimage.digest": "{DIGEST}"}}))
"""
WRITES_DIGEST = f"""
path = [a.partition("=")[2] for a in sys.argv if a.startswith("--digestfile=")]
pathlib.Path(path[0]).write_text("{DIGEST}") if path else None
"""


def test_docker_gets_the_context_and_its_digest_is_given_back(program: Program, wanted: Build) -> None:
    calls = program("docker", WRITES_METADATA)
    assert docker.build(wanted) == DIGEST
    (call,) = calls()
    assert call["files"] == {"Dockerfile": "FROM x\n", "training/__init__.py": ""}
    expected = {"--push", "--sbom=true", "--provenance=mode=max", f"--tag={wanted.name}", f"--build-arg=BASE={BASE}"}
    assert expected | {"--build-arg=EXPECT=cuda,efa", "--platform=linux/amd64"} <= set(call["arguments"])


def test_buildah_builds_with_one_fixed_time_then_pushes_and_says_the_digest(program: Program, wanted: Build) -> None:
    calls = program("buildah", WRITES_DIGEST)
    assert buildah.build(wanted) == DIGEST
    build, push = calls()
    assert build["files"] == {"Dockerfile": "FROM x\n", "training/__init__.py": ""}
    expected = {"--timestamp=315532800", f"--tag={wanted.name}", f"--build-arg=BASE={BASE}", "--platform=linux/amd64"}
    assert expected <= set(build["arguments"])
    assert (push["arguments"][0], push["arguments"][-1]) == ("push", wanted.name)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sys.exit(7)", "buildah build ended with exit code 7"),
        ('sys.exit(125 if "push" in sys.argv else 0)', "buildah push ended with exit code 125"),
        ("", "did not say its digest"),
    ],
)
def test_a_build_with_buildah_that_fails_is_one_line(program: Program, wanted: Build, script: str, said: str) -> None:
    program("buildah", script)
    with pytest.raises(UserError, match=said) as error:
        buildah.build(wanted)
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(
    ("script", "said"), [("sys.exit(7)", "ended with exit code 7"), ("", "did not say its digest")]
)
def test_a_build_that_fails_is_one_line(program: Program, wanted: Build, script: str, said: str) -> None:
    program("docker", script)
    with pytest.raises(UserError, match=said) as error:
        docker.build(wanted)
    assert len(error.value.problems) == 1


@pytest.mark.parametrize(("builder", "name"), [(docker, "docker"), (buildah, "buildah"), (cloudbuild, "gcloud")])
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
