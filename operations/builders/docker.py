"""With the Docker that the user has: `docker buildx build --push`, with SBOM and provenance."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from operations.builders import Build
from terminal import UserError
from training.image import context


def build(wanted: Build) -> str:
    """Build and push; returns the digest. The user's own login to the registry is used. Raises UserError."""
    docker = shutil.which("docker")
    if docker is None:
        raise UserError("docker is not on PATH; install it with its buildx plugin, or choose another builder")
    with tempfile.TemporaryDirectory(prefix="ai-datacenter-image-") as name:
        folder = Path(name)
        context.unpack(wanted.content, folder / "context")
        metadata = folder / "metadata.json"
        arguments = [f"--build-arg={key}={value}" for key, value in wanted.arguments.items()]
        command = [
            *(docker, "buildx", "build", "--push", "--sbom=true", "--provenance=mode=max"),
            *(f"--platform={wanted.platform}", f"--tag={wanted.name}", f"--metadata-file={metadata}"),
            *(*arguments, str(folder / "context")),
        ]
        code = subprocess.run(command, check=False).returncode
        if code:
            raise UserError(f"docker buildx build ended with exit code {code}; its messages are above")
        try:
            return str(json.loads(metadata.read_text(encoding="utf-8"))["containerimage.digest"])
        except (OSError, ValueError, KeyError) as problem:
            raise UserError(f"docker pushed {wanted.name} but did not say its digest ({problem})") from None
