"""With Google Cloud Build, through the user's gcloud: the context is uploaded, built and pushed there."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from operations.builders import Build
from terminal import UserError
from training.image import context

STEP_IMAGE = "gcr.io/cloud-builders/docker"
TIMEOUT = "5400s"


def steps(wanted: Build) -> dict[str, Any]:
    """The build's configuration (Cloud Build, "Build configuration file schema")."""
    arguments = [part for key, value in wanted.arguments.items() for part in ("--build-arg", f"{key}={value}")]
    create = ["buildx", "create", "--use", "--driver", "docker-container"]
    build = [
        *("buildx", "build", ".", "--push", "--sbom=true", "--provenance=mode=max"),
        *("--platform", wanted.platform, "--tag", wanted.name, *arguments),
    ]
    return {
        "steps": [{"name": STEP_IMAGE, "args": create}, {"name": STEP_IMAGE, "args": build}],
        "timeout": TIMEOUT,
        "options": {"machineType": "E2_HIGHCPU_8", "diskSizeGb": 200},
    }


def build(wanted: Build) -> str:
    """Build and push; returns the digest. Raises UserError."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise UserError("gcloud is not on PATH; install the Google Cloud CLI and log in, or choose another builder")
    with tempfile.TemporaryDirectory(prefix="ai-datacenter-image-") as name:
        archive, configuration = Path(name) / "context.tar.gz", Path(name) / "cloudbuild.json"
        archive.write_bytes(context.tar(wanted.content))
        configuration.write_text(json.dumps(steps(wanted)), encoding="utf-8")
        code = subprocess.run(
            [gcloud, "builds", "submit", str(archive), f"--config={configuration}"], check=False
        ).returncode
    if code:
        raise UserError(f"gcloud builds submit ended with exit code {code}; its messages are above")
    return digest(gcloud, wanted.name) or _missing(wanted)


def digest(gcloud: str, image: str) -> str | None:
    """The digest behind a tag in Artifact Registry; None when there is no such image."""
    done = subprocess.run(
        [gcloud, "artifacts", "docker", "images", "describe", image, "--format=value(image_summary.digest)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or None if done.returncode == 0 else None


def _missing(wanted: Build) -> str:
    raise UserError(f"Cloud Build ended well, but {wanted.name} is not in the registry")
