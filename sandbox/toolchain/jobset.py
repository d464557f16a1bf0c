"""The JobSet controller: built from its Go module; the project publishes it as a container image only.

Beside the program lie its resource definition, webhooks and role, from the same module (go.sum vouches for them). Only
stacks that run job sets get it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox.toolchain import golang, platforms
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Key
from sandbox.toolchain.tool import Unavailable

NAME = "jobset"
DIRECTORY = Path(__file__).with_name("jobset")
MODULE = "sigs.k8s.io/jobset"
DEFINITION, WEBHOOKS, ROLE = "crd.yaml", "webhooks.yaml", "role.yaml"
FILES = {
    "config/components/crd/bases/jobset.x-k8s.io_jobsets.yaml": DEFINITION,
    "config/components/webhook/manifests.yaml": WEBHOOKS,
    "config/components/rbac/role.yaml": ROLE,
}
BUILD_SPACE = 3 << 30
"""Bytes: most modules are those of Kubernetes, in other versions than the control plane's."""


class JobSet:
    """How the controller is recognised and got."""

    name = NAME

    @property
    def version(self) -> str:
        return golang.pinned(DIRECTORY, MODULE).removeprefix("v")

    @property
    def key(self) -> Key:
        files = DIRECTORY / "go.mod", DIRECTORY / "go.sum"
        return Key(NAME, self.version, platforms.inputs(*files, extra=" ".join((*self.module.flags, *FILES))))

    @property
    def module(self) -> golang.Module:
        stamp = f"-X {MODULE}/pkg/version.GitVersion=v{self.version}"
        needs = (MODULE, f"v{self.version}")
        return golang.Module(DIRECTORY, MODULE, ("-s", "-w", stamp), needs, BUILD_SPACE, FILES)

    def works(self, path: Path) -> bool:
        """Whether the program runs and has its files beside it: one from elsewhere, which cannot tell its version,
        has not.
        """
        if not all((path.parent / name).is_file() for name in FILES.values()):
            return False
        try:
            done = subprocess.run([path, "-h"], capture_output=True, text=True, timeout=30, check=True)
        except (OSError, subprocess.SubprocessError):
            return False
        return "-kube-api-qps" in done.stderr

    def fetch(self, scratch: Path, progress: Progress) -> str:  # noqa: ARG002 - the protocol's signature
        raise Unavailable("the project publishes a container image, no program")
