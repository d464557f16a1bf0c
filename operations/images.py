"""What stands for container images on the process node of the local cloud.

The stack file names an image as it would anywhere; images that begin with `ai-datacenter/` are environments of this
machine. The benchmark's is a virtual environment with JAX, made once and cached.
"""

from __future__ import annotations

import json

from operations.stack import Stack
from sandbox import toolchain
from sandbox.node import images
from terminal import UserError, err

LOCAL = "ai-datacenter/"


def provide(stack: Stack) -> None:
    """Register the environments that the stack's benchmarks name.

    Without one (no package index, no space) the stack comes up all the same; its benchmark then says why it was not
    measured.
    """
    benchmarks = json.loads(stack.file.config.get(f"{stack.file.project}:benchmark", "{}"))
    wanted = {entry.get("image", "") for entry in benchmarks.values()}
    for image in sorted(name for name in wanted if name.startswith(LOCAL)):
        try:
            folder = toolchain.benchmark_environment(stack.settings)
        except UserError as error:
            for problem in error.problems:
                err().print(f"benchmark environment: {problem}", style="yellow", markup=False)
            return
        images.register(images.table(stack.settings), image, images.of_virtual_environment(folder))
