"""The main job: from a stack file to a running data center with a verdict.

Nothing is created before the stack file is valid, its estimate is shown and inside its budget. Each step is a function
here; the order is `run`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cost
import plan
from operations import benchmark, blocks, checkpoint, engine, images, lock, policy, reach, recovery, report, training
from operations.stack import TITLES, Stack
from plan import document, offline
from terminal import Exit, InvalidInput, UserError, err


def run(name: str, *, yes: bool) -> None:
    """Create or change the stack. Raises `UserError` with the exit code the command must end with."""
    stack = Stack.load(name)
    with lock.held(stack.settings.state / "locks", stack.name, "make up"):
        wanted = offline.run(stack.name)
        _may_go_ahead(stack, yes)
        estimate = cost.estimate(wanted)
        _within_budget(estimate, wanted)
        _begun(stack, wanted)
        _reachable(stack, wanted)
        stack.prepare(_extras(wanted))
        checkpoint.mend(stack)
        engine.select(stack)
        state = engine.export(stack)
        deployed = document.load(state)
        _reachable(stack, wanted, deployed)
        _show_estimate(stack, estimate, wanted, deployed)
        policy.gate(stack, wanted, estimate)
        missing = images.provide(stack) if stack.is_local else {}
        _recover(stack, state)
        _update(stack, estimate, yes=yes or stack.is_local)
        outputs = engine.outputs(stack)
        verdicts = benchmark.judge(stack, outputs)
        verdicts += training.follow(stack, outputs, verdicts, missing)
    conclude(stack, outputs, verdicts)


def conclude(stack: Stack, outputs: Mapping[str, Any], verdicts: Sequence[benchmark.Verdict]) -> None:
    """The last screen. Raises SystemExit with code 3 when a benchmark failed."""
    report.after_up(stack, outputs, verdicts)
    if any(verdict.failed for verdict in verdicts):
        raise SystemExit(int(Exit.LIMIT))


def preview(name: str) -> None:
    """Show the estimate and what Pulumi would do; create nothing."""
    stack = Stack.load(name)
    wanted = offline.run(stack.name)
    estimate = cost.estimate(wanted)
    stack.prepare(_extras(wanted))
    engine.select(stack)
    _show_estimate(stack, estimate, wanted, document.load(engine.export(stack)))
    with policy.configuration(stack, estimate) as path:
        code = engine.show(stack, "preview", "--diff", "--stack", stack.name, *policy.arguments(path))
    if code:
        raise engine.failed(code, "the preview")
    _within_budget(estimate, wanted)


def _extras(wanted: plan.Plan) -> set[str]:
    """Optional daemons of the local cloud that serve what the plan holds."""
    return {"jobset"} if any(one.type.startswith("kubernetes:jobset.x-k8s.io/") for one in wanted) else set()


def _may_go_ahead(stack: Stack, yes: bool) -> None:
    if not (stack.is_local or yes or sys.stdin.isatty()):
        raise InvalidInput(
            f"stack {stack.name}: there is no terminal to ask on; set YES=1 to create it without asking "
            f"(`make up STACK={stack.name} YES=1`), or look first with `make preview STACK={stack.name}`"
        )


def _within_budget(estimate: cost.Estimate, wanted: plan.Plan) -> None:
    if broken := cost.breaches(estimate, wanted):
        raise UserError([*broken, "nothing was created"], Exit.LIMIT)


def _show_estimate(stack: Stack, estimate: cost.Estimate, wanted: plan.Plan, deployed: plan.Plan) -> None:
    deployed = replace(deployed, config=wanted.config)  # discounts and terms of purchase are not in a state
    before = cost.estimate(deployed) if any(resource.custom for resource in deployed) else None
    cost.report.show(err(), estimate, cost.compare(before, estimate) if before else None)
    if stack.is_local:
        err().print(f"nothing is billed: this is what the same stack would cost in {TITLES[stack.cloud]}", style="bold")


def _begun(stack: Stack, wanted: plan.Plan) -> None:
    if not stack.is_local and (problems := blocks.problems(wanted, datetime.now(UTC))):
        raise InvalidInput(problems)


def _reachable(stack: Stack, wanted: plan.Plan, deployed: plan.Plan | None = None) -> None:
    if not stack.is_local and (problem := reach.problem(wanted, deployed)):
        raise InvalidInput(problem)


def _recover(stack: Stack, state: dict[str, Any]) -> None:
    """Go on from what an interrupted command left."""
    findings = recovery.inspect(stack, state)
    for line in findings.lines():
        err().print(f"found: {line}", style="yellow", markup=False)
    if stack.is_local:
        recovery.release(stack, findings)
        recovery.repair(stack, findings)
    elif findings.pending:
        raise UserError(f"stack {stack.name}: run `make recover STACK={stack.name}` first; it shows what it would do")


def _update(stack: Stack, estimate: cost.Estimate, *, yes: bool) -> None:
    if stack.is_local:
        recovery.remember_boot(stack)  # before: an update that is cut short belongs to this start of the cloud too
    arguments = ["up", "--stack", stack.name, *(["--yes", "--skip-preview"] if yes else [])]
    with policy.configuration(stack, estimate) as path:
        code = engine.show(stack, *arguments, *policy.arguments(path))
    if code:
        raise engine.failed(code, f"`pulumi up` of stack {stack.name}")


def wants_yes() -> bool:
    """Whether the environment says to go ahead without asking (`YES=1`)."""
    return os.environ.get("YES", "") not in ("", "0", "no", "false")
