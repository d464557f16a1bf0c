"""Starts a container when its time has come, and says why when it cannot."""

from __future__ import annotations

import time

from sandbox.node import launch as paper
from sandbox.node.api import ApiError
from sandbox.node.container import Backoff, Container
from sandbox.node.environment import ConfigProblem
from sandbox.node.reporter import Reporter
from sandbox.node.status import Waiting
from sandbox.node.workload import ImageProblem, Workload

RETRY_SECONDS = 2.0
"""Pause before another try at what failed for a reason that may pass: a missing config map, an unknown image."""


def advance(one: Container, workload: Workload, reporter: Reporter, backoff: Backoff) -> list[float]:
    """Start a container that is due. Returns the seconds until it should be looked at again; none: when it ends."""
    if one.alive:
        return [] if paper.started_at(one.attempt) else [RETRY_SECONDS]
    now = time.monotonic()
    if one.outcome is not None and one.retry_at is None:
        pause = backoff.after(0 if one.stable() else one.restarts)
        one.retry_at = now + pause
        one.waiting = Waiting("CrashLoopBackOff", f"back-off {pause:g}s restarting container {one.name}")
    if one.retry_at is not None and now < one.retry_at:
        return [one.retry_at - now]
    try:
        one.start(workload.launch(one))
        return [0.0] if one.outcome is not None else []
    except ImageProblem as problem:
        one.waiting = Waiting("ErrImageNeverPull", str(problem))
    except ConfigProblem as problem:
        one.waiting = Waiting("CreateContainerConfigError", str(problem))
    except (ApiError, OSError) as problem:
        one.waiting = Waiting("CreateContainerError", str(problem))
    reporter.warn("Failed", one.waiting.message)
    one.retry_at = now + RETRY_SECONDS
    return [RETRY_SECONDS]
