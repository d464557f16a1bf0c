"""`make image`: builds the training image in the way that was chosen and says its digest, for the stack file.

Images are named by what they are made of, so what was built once is found again and not built twice. The default of a
stack is no build at all: a public image by digest.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from operations import engine, history
from operations.builders import Build, buildah, buildkit, cloudbuild, codebuild, docker
from operations.stack import Stack
from terminal import InvalidInput, UserError, err, out
from training.errors import TrainingError
from training.image import context
from training.image.verify import EXPECTATIONS

BUILDERS = ("codebuild", "cloudbuild", "buildkit", "docker", "buildah")


def run(name: str, *, builder: str, base: str, repository: str, expect: str, platform: str) -> None:
    """Build, unless it is built already, and print `<repository>@<digest>`. Raises UserError."""
    if builder not in BUILDERS:
        raise InvalidInput(f"builder: {builder or 'nothing'} is not one of {', '.join(BUILDERS)}")
    if unknown := sorted(set(filter(None, expect.split(","))) - set(EXPECTATIONS)):
        raise InvalidInput(f"expect: {', '.join(unknown)} is not one of {', '.join(EXPECTATIONS)}")
    try:
        content = context.files()
        tag = context.tag(content, context.pinned(base), platform, expect)
    except TrainingError as error:
        raise InvalidInput(error.problems) from None
    stack = Stack.load(name)
    if stack.is_local:
        raise InvalidInput(f"stack {name}: the local cloud builds no images; its jobs run from the tools' cache")
    stack.prepare()
    outputs = engine.outputs(stack)
    address = (outputs.get("registry") or {}).get(repository)
    if address is None:
        known = ", ".join(sorted(outputs.get("registry") or {})) or "none; add `image-registry` to the stack file"
        raise InvalidInput(f"repository: {repository} is not in the stack's registry (there are: {known})")
    wanted = Build(content, address, tag, base, history.commit() or "unknown", expect, platform)
    digest = _build(builder, wanted, stack, outputs)
    err().print(
        f"name it in the stack file, as `image` of the benchmark or of a training job: {wanted.name}", style="dim"
    )
    out().print(f"{address}@{digest}", markup=False)


def _build(builder: str, wanted: Build, stack: Stack, outputs: Mapping[str, Any]) -> str:
    if ".dkr.ecr." in wanted.repository:
        return _on_aws(builder, wanted, stack, outputs)
    if (gcloud := shutil.which("gcloud")) and (found := cloudbuild.digest(gcloud, wanted.name)):
        return _known(wanted, found)
    if builder == "codebuild":
        raise InvalidInput("builder: codebuild pushes to ECR only; use cloudbuild, buildkit, docker or buildah")
    if builder == "buildkit":
        return buildkit.build(wanted, _kubeconfig(outputs), _google_login(wanted), _say)
    return {"cloudbuild": cloudbuild.build, "docker": docker.build, "buildah": buildah.build}[builder](wanted)


def _on_aws(builder: str, wanted: Build, stack: Stack, outputs: Mapping[str, Any]) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.Session(region_name=stack.file.config["aws:region"])
    try:
        if found := codebuild.digest(session, wanted):
            return _known(wanted, found)
        if builder == "codebuild":
            place = outputs.get("imageBuilder")
            if place is None:
                raise InvalidInput(
                    "builder: the stack has no `image-builder`; add one and run `make up`, or use docker"
                )
            return codebuild.build(wanted, session, place["project"], place["bucket"], _say)
        if builder == "buildkit":
            return buildkit.build(wanted, _kubeconfig(outputs), _aws_login(session, wanted), _say)
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"the image could not be built: {error}") from None
    if builder == "cloudbuild":
        raise InvalidInput(
            "builder: cloudbuild pushes to Artifact Registry only; use codebuild, buildkit, docker or buildah"
        )
    return {"docker": docker.build, "buildah": buildah.build}[builder](wanted)


def _known(wanted: Build, digest: str) -> str:
    _say(f"{wanted.name} is built already")
    return digest


def _say(line: str) -> None:
    err().print(f"image: {line}", style="dim", markup=False)


def _kubeconfig(outputs: Mapping[str, Any]) -> dict[str, Any]:
    found = outputs["cluster"]["kubeconfig"]
    return json.loads(found) if isinstance(found, str) else dict(found)


def _aws_login(session: Any, wanted: Build) -> dict[str, Any]:
    """A login to ECR that lasts twelve hours, in the shape of Docker's config.json."""
    (entry,) = session.client("ecr").get_authorization_token()["authorizationData"]
    return {"auths": {wanted.repository.partition("/")[0]: {"auth": entry["authorizationToken"]}}}


def _google_login(wanted: Build) -> dict[str, Any]:
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise UserError("gcloud is not on PATH; it gives the login to Artifact Registry")
    done = subprocess.run([gcloud, "auth", "print-access-token"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"gcloud auth print-access-token: {done.stderr.strip().splitlines()[-1:]}")
    secret = base64.b64encode(f"oauth2accesstoken:{done.stdout.strip()}".encode()).decode()
    return {"auths": {wanted.repository.partition("/")[0]: {"auth": secret}}}
