"""The policy pack on the engine's command line: where it lies, and the figures its rules cannot compute themselves."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cost
import plan
from operations.stack import Stack
from sandbox.settings import REPOSITORY
from terminal import Exit, UserError, err

PACK = REPOSITORY / "policies"


@contextlib.contextmanager
def configuration(stack: Stack, estimate: cost.Estimate) -> Iterator[Path]:
    """A temporary file with the pack's configuration: totals of the estimate and the stack's own limits."""
    from policies.check import engine_configuration

    with tempfile.TemporaryDirectory(prefix="aidc-policy-") as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(engine_configuration(stack.file.config, estimate)), encoding="utf-8")
        yield path


def gate(stack: Stack, wanted: plan.Plan, estimate: cost.Estimate) -> None:
    """Run the pack on the plan before anything is created. Raises `UserError` (exit code 3) on a mandatory finding.

    During `pulumi up` a violation would stop the update half-way.
    """
    from policies import check

    result = check.run(wanted, estimate)
    check.show(err(), result)
    if result.mandatory:
        raise UserError(
            f"stack {stack.name}: {len(result.mandatory)} mandatory policy findings; nothing was created", Exit.LIMIT
        )


def arguments(path: Path) -> list[str]:
    """Flags for `pulumi preview` and `pulumi up`."""
    return ["--policy-pack", str(PACK), "--policy-pack-config", str(path)]
