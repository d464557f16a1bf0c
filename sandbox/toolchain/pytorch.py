"""The Python environment of `training/`: PyTorch and what goes with it.

On a machine without an NVIDIA driver PyTorch's own index is asked first: its CPU build takes a tenth of the space of
the one in the package index, which brings CUDA's libraries along (5.6 GB) but runs on CPUs as well.
"""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.settings import REPOSITORY
from sandbox.toolchain import download, packages
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Store
from sandbox.toolchain.tool import Unavailable
from terminal import InvalidInput, UserError

NAME = "training"
REQUIREMENTS = REPOSITORY / "training" / "requirements-dev.txt"
OWN_VARIABLE = "AIDC_TRAINING_PYTHON"
"""Names a Python that has the requirements already, for instance that of a GPU image."""
INDEX_VARIABLE = "AIDC_TORCH_INDEX"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
DRIVER = Path("/proc/driver/nvidia/version")
SPACE = 10 << 30
"""Bytes: 5.6 GB unpacked and 3 GB of archives beside them while it is installed."""


def wanted(requirements: Path = REQUIREMENTS) -> packages.Wanted:
    """The environment as the requirements describe it. Raises UserError when they are missing or do not pin torch."""
    if not requirements.is_file():
        raise UserError(f"{requirements} is missing")
    pins = [line.strip() for line in packages.expanded(requirements).splitlines() if line.startswith("torch==")]
    if not pins:
        raise UserError(f"{requirements}: torch is not pinned (a line torch==VERSION)")
    first = None
    if not DRIVER.exists():
        try:
            first = packages.Preferred(pins[0], download.base(INDEX_VARIABLE, CPU_INDEX))
        except Unavailable:  # switched off
            first = None
    return packages.Wanted(NAME, requirements, venv=True, space=SPACE, first=first)


def python(store: Store, progress: Progress, *, install: bool, requirements: Path = REQUIREMENTS) -> Path | None:
    """See `sandbox.toolchain.training_python`."""
    if own := os.environ.get(OWN_VARIABLE):
        if not os.access(own, os.X_OK) or Path(own).is_dir():
            raise InvalidInput(f"{OWN_VARIABLE}: {own} is not a program; name a Python with {REQUIREMENTS.name}")
        return Path(own).absolute()
    asked = wanted(requirements)
    if not install:
        tool = store.find(asked.key)
        return tool and tool.path.parent / "bin" / "python"
    try:
        return packages.ensure(store, asked, progress) / "bin" / "python"
    except Unavailable as error:
        raise UserError(f"the packages of {requirements.name} cannot be installed: {error}") from None
