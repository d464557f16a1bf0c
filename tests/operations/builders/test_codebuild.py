"""CodeBuild gets the context through the bucket; its failed phases are what the user reads."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from operations.builders import Build, codebuild
from terminal import UserError
from tests.operations.builders.conftest import BASE

MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}'


class Builds:
    """CodeBuild's answers one after the other: the one part that moto does not act out."""

    def __init__(self, *statuses: str, **last: Any) -> None:
        phases = ["QUEUED", "BUILD", "COMPLETED"]
        self.answers = [
            {"id": "images:1", "buildStatus": status, "currentPhase": phases[min(number, 2)]}
            for number, status in enumerate(statuses)
        ]
        self.answers[-1] |= last
        self.started: dict[str, Any] = {}
        self.stopped: list[str] = []

    def start_build(self, **given: Any) -> dict[str, Any]:
        self.started = given
        return {"build": {"id": "images:1"}}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if answer["buildStatus"] == "CTRL-C":
            raise KeyboardInterrupt
        return {"builds": [answer]}

    def stop_build(self, id: str) -> None:  # noqa: A002 - the API's word
        self.stopped.append(id)


class Session:
    def __init__(self, builds: Builds) -> None:
        self.builds, self.session = builds, boto3.Session(region_name="us-east-1")

    def client(self, service: str) -> Any:
        return self.builds if service == "codebuild" else self.session.client(service)  # type: ignore[call-overload]


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="contexts")
        boto3.client("ecr", region_name="us-east-1").create_repository(repositoryName="site/training")
        yield


def push(tag: str) -> str:
    ecr = boto3.client("ecr", region_name="us-east-1")
    image = ecr.put_image(repositoryName="site/training", imageManifest=MANIFEST, imageTag=tag)["image"]
    return image["imageId"]["imageDigest"]


def test_the_context_goes_through_the_bucket_and_the_digest_comes_from_the_registry(wanted: Build) -> None:
    builds, said = Builds("IN_PROGRESS", "IN_PROGRESS", "SUCCEEDED"), []
    digest = push(wanted.tag)
    assert codebuild.build(wanted, Session(builds), "images", "contexts", said.append, poll=0) == digest
    bucket, _, key = builds.started["sourceLocationOverride"].partition("/")
    body = boto3.client("s3", region_name="us-east-1").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).read("Dockerfile") == b"FROM x\n"
    given = {one["name"]: one["value"] for one in builds.started["environmentVariablesOverride"]}
    assert given["BASE"] == BASE
    assert (given["REPOSITORY"], given["TAG"], given["EXPECT"]) == (wanted.repository, "c-1", "cuda,efa")
    assert said == ["build images:1 of project images", "queued", "build", "completed"]


def test_the_failed_phase_and_the_log_are_told(wanted: Build) -> None:
    phases = [
        {"phaseType": "DOWNLOAD_SOURCE", "phaseStatus": "SUCCEEDED"},
        {"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"message": "exit status 3"}]},
        {"phaseType": "COMPLETED"},
    ]
    builds = Builds("FAILED", phases=phases, logs={"deepLink": "https://console/log"})
    with pytest.raises(UserError) as error:
        codebuild.build(wanted, Session(builds), "images", "contexts", lambda _: None, poll=0)
    assert error.value.problems == ["build images:1: failed", "build: exit status 3", "log: https://console/log"]


def test_ctrl_c_stops_the_build_too(wanted: Build) -> None:
    builds = Builds("IN_PROGRESS", "CTRL-C")
    with pytest.raises(KeyboardInterrupt):
        codebuild.build(wanted, Session(builds), "images", "contexts", lambda _: None, poll=0)
    assert builds.stopped == ["images:1"]


def test_a_success_without_an_image_is_a_failure(wanted: Build) -> None:
    with pytest.raises(UserError, match=r"succeeded, but .*:c-1 is not in the registry"):
        codebuild.build(wanted, Session(Builds("SUCCEEDED")), "images", "contexts", lambda _: None, poll=0)


def test_what_was_built_is_found_by_its_tag(wanted: Build) -> None:
    digest, session = push("c-1"), Session(Builds("SUCCEEDED"))
    assert codebuild.digest(session, wanted) == digest
    assert codebuild.digest(session, replace(wanted, tag="c-2")) is None
