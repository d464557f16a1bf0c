"""With buildah, which needs no daemon: builds in the user's own container storage, then pushes.

The digest is reproducible: every layer has one fixed time. No SBOM and no provenance is attached to what is pushed;
the SBOM lies in the image.
"""

from __future__ import annotations

import calendar
import shutil
import subprocess
import tempfile
from pathlib import Path

from operations.builders import Build
from terminal import UserError
from training.image import context

EPOCH = calendar.timegm(context.EPOCH)
"""Of the context's archives, and of the Dockerfile, in seconds of Unix time."""


def build(wanted: Build) -> str:
    """Build and push; returns the digest. The user's own login to the registry is used. Raises UserError."""
    buildah = shutil.which("buildah")
    if buildah is None:
        raise UserError("buildah is not on PATH; install it with your system's packages, or choose another builder")
    with tempfile.TemporaryDirectory(prefix="ai-datacenter-image-") as name:
        folder = Path(name)
        context.unpack(wanted.content, folder / "context")
        digest = folder / "digest"
        arguments = [f"--build-arg={key}={value}" for key, value in wanted.arguments.items()]
        build = [
            *(buildah, "build", "--format=oci", "--layers", f"--timestamp={EPOCH}"),
            *(f"--platform={wanted.platform}", f"--tag={wanted.name}", *arguments, str(folder / "context")),
        ]
        for command in (build, [buildah, "push", f"--digestfile={digest}", wanted.name]):
            code = subprocess.run(command, check=False).returncode
            if code:
                raise UserError(f"buildah {command[1]} ended with exit code {code}; its messages are above")
        found = digest.read_text(encoding="utf-8").strip() if digest.is_file() else ""
    if not found.startswith("sha256:"):
        raise UserError(f"buildah pushed {wanted.name} but did not say its digest")
    return found
