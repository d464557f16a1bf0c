"""With AWS CodeBuild: the project of the stack's image builder, the context through its bucket, the digest from ECR."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from components.image_builder import CONTEXT
from operations.builders import Build
from terminal import UserError
from training.image import context

POLL_S = 10.0
FINISHED = {"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"}


def build(
    wanted: Build, session: Any, project: str, bucket: str, say: Callable[[str], None], poll: float = POLL_S
) -> str:
    """Upload, build, wait; returns the digest. Raises UserError with the failed phases."""
    key = f"{CONTEXT}/{context.digest(wanted.content)}.zip"
    session.client("s3").put_object(Bucket=bucket, Key=key, Body=context.archive_zip(wanted.content))
    builds = session.client("codebuild")
    given = {
        **wanted.arguments,
        "REPOSITORY": wanted.repository,
        "TAG": wanted.tag,
        "PLATFORM": wanted.platform,
    }
    variables = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in given.items()]
    started = builds.start_build(
        projectName=project,
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{bucket}/{key}",
        environmentVariablesOverride=variables,
    )["build"]
    say(f"build {started['id']} of project {project}")
    try:
        ended = _wait(builds, started["id"], say, poll)
    except KeyboardInterrupt:
        builds.stop_build(id=started["id"])
        say(f"build {started['id']} is told to stop")
        raise
    if ended["buildStatus"] != "SUCCEEDED":
        raise UserError(_failed(ended))
    found = digest(session, wanted)
    if found is None:
        raise UserError(f"build {started['id']} succeeded, but {wanted.name} is not in the registry")
    return found


def digest(session: Any, wanted: Build) -> str | None:
    """The digest of the image with the wanted tag in ECR; None when it was not built yet."""
    ecr = session.client("ecr")
    name = wanted.repository.partition("/")[2]
    try:
        (found,) = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": wanted.tag}])["imageDetails"]
    except ecr.exceptions.ImageNotFoundException:
        return None
    return found["imageDigest"]


def _wait(builds: Any, identity: str, say: Callable[[str], None], poll: float) -> dict[str, Any]:
    phase = ""
    while True:
        (build,) = builds.batch_get_builds(ids=[identity])["builds"]
        if build.get("currentPhase", "") != phase:
            phase = build["currentPhase"]
            say(phase.lower().replace("_", " "))
        if build["buildStatus"] in FINISHED:
            return build
        time.sleep(poll)


def _failed(build: dict[str, Any]) -> list[str]:
    """A line for each phase that did not succeed, then where the log is."""
    lines = [f"build {build['id']}: {build['buildStatus'].lower().replace('_', ' ')}"]
    for phase in build.get("phases") or ():
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            reasons = "; ".join(one.get("message", "") for one in phase.get("contexts") or ()) or phase["phaseStatus"]
            lines.append(f"{phase['phaseType'].lower()}: {reasons}")
    log = (build.get("logs") or {}).get("deepLink")
    return [*lines, f"log: {log}"] if log else lines
