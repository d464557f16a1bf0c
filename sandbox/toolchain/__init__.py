"""Gets the tools of the local cloud onto this machine: Pulumi CLI, Kubernetes program, Python of the benchmark.

`ensure("pulumi")` and `ensure("kube")` return a verified tool, got by the first way that works; `ensure("jobset")` the
JobSet controller, which only some stacks need; `report()` says what is there; `benchmark_environment()` is a virtual
environment for the benchmark program. All is kept in the user's cache (`Settings.cache`), outside of the checkout, and
shared by all checkouts.
"""

from __future__ import annotations

from pathlib import Path

from sandbox.settings import REPOSITORY, Settings
from sandbox.toolchain import getting, packages, pytorch
from sandbox.toolchain.jobset import JobSet
from sandbox.toolchain.kubernetes import Kube
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.pulumi_cli import PulumiCli
from sandbox.toolchain.tool import Origin, Tool, Unavailable
from terminal import UserError

__all__ = ["NAMES", "Origin", "Tool", "benchmark_environment", "ensure", "installed", "report", "training_python"]

RECIPES: dict[str, getting.Recipe] = {"pulumi": PulumiCli(), "kube": Kube(), "jobset": JobSet()}
NAMES = ("pulumi", "kube")
"""What every stack needs. The others are got by the stacks that use them."""
BENCHMARK_REQUIREMENTS = REPOSITORY / "training" / "bench" / "requirements.txt"


def ensure(name: str, settings: Settings | None = None) -> Tool:
    """The tool `name`, one of RECIPES, got if it is not there yet. Raises UserError when no way works."""
    return getting.get(RECIPES[name], settings or Settings.load(), Progress())


def installed(name: str, settings: Settings | None = None) -> Tool | None:
    """The tool, if it is there and sound; nothing is downloaded or built."""
    return getting.present(RECIPES[name], settings or Settings.load())


def report(settings: Settings | None = None) -> list[Tool]:
    """The tools that are there."""
    return [tool for name in RECIPES if (tool := installed(name, settings))]


def benchmark_environment(settings: Settings | None = None, requirements: Path = BENCHMARK_REQUIREMENTS) -> Path:
    """Directory of a virtual environment with what the benchmark program imports; run its `bin/python`.

    Made on first use (about 45 s). Raises UserError, with one line, when the packages cannot be had: the benchmark is
    then not measured.
    """
    if not requirements.is_file():
        raise UserError(f"{requirements} is missing")
    store = getting.store_of(settings or Settings.load())
    try:
        return packages.ensure(store, packages.Wanted("benchmark", requirements, venv=True), Progress())
    except Unavailable as error:
        raise UserError(f"the packages of {requirements.name} cannot be installed: {error}") from None


def training_python(settings: Settings | None = None, *, install: bool = True) -> Path | None:
    """The Python that has what `training/` imports: PyTorch and all of training/requirements-dev.txt.

    Got on first use (minutes, gigabytes), by `make train`, `make bench` and the tests only. `AIDC_TRAINING_PYTHON`
    names another, which is then taken as it is. None when it is not there and `install` is not asked for. Raises
    UserError.
    """
    return pytorch.python(getting.store_of(settings or Settings.load()), Progress(), install=install)
