"""`make test`: the tiers one after the other, the cheapest first, so that a mistake shows early.

Arguments go to pytest and replace the tiers: `make test TESTS="tests/plan -x"`. What is below `tests/training_torch` is
run by the Python that has PyTorch; the other tiers do not collect it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

TRAINING = "tests/training_torch"
TIERS = (
    ("pure and offline", ["-m", "not sandbox and not e2e and not soak and not cloud", "-n", "auto"]),
    ("training", ["-m", "not soak and not cloud", "-n", "2", "--dist", "loadscope", TRAINING]),
    (
        "sandbox",
        ["-m", "sandbox and not e2e and not soak and not cloud", "-n", "2", "--dist", "loadgroup"],
    ),
    ("end to end", ["-m", "e2e and not soak and not cloud"]),
)


def main(arguments: list[str]) -> int:
    """Run the tiers; the exit code is that of the first that failed, after all have run."""
    if arguments:
        if any(argument.removeprefix("./").startswith(TRAINING) for argument in arguments):
            return _training(arguments)
        return int(pytest.main([*arguments]))
    codes = []
    for name, options in TIERS:
        print(f"== {name} ==", flush=True)
        started = time.monotonic()
        # A process for each tier: what one leaves in memory (patched clouds, environment) cannot reach the next.
        codes.append(_training(["-q", *options]) if name == "training" else _run(sys.executable, ["-q", *options]))
        print(
            f"== {name}: {'passed' if codes[-1] == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s ==",
            flush=True,
        )
    return next((code for code in codes if code), 0)


def _run(python: str, options: list[str], environment: dict[str, str] | None = None) -> int:
    command = [python, "-m", "pytest", *options]
    return os.spawnve(os.P_WAIT, python, command, {**os.environ, **(environment or {})})


def _training(options: list[str]) -> int:
    """Run pytest where PyTorch is; the environment is made if it is not there yet."""
    from sandbox import toolchain
    from terminal import UserError, show

    try:
        python = toolchain.training_python()
    except UserError as error:
        show(error.problems)
        return int(error.code)
    # One thread a process: several processes (workers, ranks) share the cores.
    return _run(str(python), options, {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
