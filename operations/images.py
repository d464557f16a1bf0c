"""What stands for container images on the process node of the local cloud.

The stack file names an image as it would anywhere; images that begin with `ai-datacenter/` are environments of this
machine, made once and cached: `ai-datacenter/training…` has PyTorch (minutes and gigabytes), any other one JAX.
"""

from __future__ import annotations

import json
from pathlib import Path

from operations.stack import Stack
from sandbox import toolchain
from sandbox.node import images
from terminal import UserError, err

LOCAL = "ai-datacenter/"
TRAINING = f"{LOCAL}training"
SECTIONS = ("benchmark", "training", "preprocess", "search", "evaluation")


def provide(stack: Stack) -> dict[str, str]:
    """Register the environments that the stack's jobs name. Returns, by image, why one cannot be had.

    Without one (no package index, no space) the stack comes up all the same; its benchmark then says why it was not
    measured, and other jobs wait.
    """
    missing: dict[str, str] = {}
    wanted: set[str] = set()
    for section in SECTIONS:
        jobs = json.loads(stack.file.config.get(f"{stack.file.project}:{section}", "{}"))
        wanted |= {entry.get("image", "") for entry in jobs.values()}
    for image in sorted(name for name in wanted if name.startswith(LOCAL)):
        try:
            folder = _environment(stack, image)
        except UserError as error:
            missing[image] = "; ".join(error.problems)
            err().print(f"environment of {image}: {missing[image]}", style="yellow", markup=False)
            continue
        images.register(images.table(stack.settings), image, images.of_virtual_environment(folder))
    return missing


def _environment(stack: Stack, image: str) -> Path:
    """The virtual environment that an image stands for. Raises UserError when it cannot be had."""
    if not image.startswith(TRAINING):
        return toolchain.benchmark_environment(stack.settings)
    python = toolchain.training_python(stack.settings, install=False)  # gigabytes: nobody gets them unasked
    if python is None:
        raise UserError("PyTorch is not here; `make train` gets it, then `make up` goes on")
    return python.parent.parent
