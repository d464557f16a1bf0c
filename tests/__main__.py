"""`make test`: the tiers one after the other, the cheapest first, so that a mistake shows early.

Arguments go to pytest and replace the tiers: `make test TESTS="tests/plan -x"`.
"""

from __future__ import annotations

import os
import sys
import time

import pytest

TIERS = (
    ("pure and offline", ["-m", "not sandbox and not e2e and not soak and not cloud", "-n", "auto"]),
    ("sandbox", ["-m", "sandbox and not e2e and not soak and not cloud", "-n", "2", "--dist", "loadgroup"]),
    ("end to end", ["-m", "e2e and not soak and not cloud"]),
)


def main(arguments: list[str]) -> int:
    """Run the tiers; the exit code is that of the first that failed, after all have run."""
    if arguments:
        return int(pytest.main(arguments))
    codes = []
    for name, options in TIERS:
        print(f"== {name} ==", flush=True)
        started = time.monotonic()
        # A process for each tier: what one leaves in memory (patched clouds, environment) cannot reach the next.
        codes.append(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-m", "pytest", "-q", *options]))
        print(
            f"== {name}: {'passed' if codes[-1] == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s ==",
            flush=True,
        )
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
