"""Jobs: complete is ready, failed is final.

Follows provider/pkg/await/job.go of the official provider, which ends early for two reasons of failure only; every
reason the Job controller marks as Failed is final, so all of them end the wait here.
"""

from __future__ import annotations

from sandbox.providers.kubernetes.errors import one_line
from sandbox.providers.kubernetes.objects import Object, condition, identity, members
from sandbox.providers.kubernetes.readiness import pods
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings, number


def job(live: Object, around: Surroundings) -> Progress:
    """Started and complete; with the reasons of its failed pods when it is not."""
    status = members(live.get("status"))
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        reason = one_line(f"[{failed.get('reason')}] {failed.get('message', '')}")
        return Progress(False, problems=[reason, *pods.all_problems(pods.owned(around, live))], failed=True)
    if not status.get("startTime"):
        return Progress(False, f'Waiting for Job "{identity(live)}" to start', ["The Job has not started"])
    if condition(live, "Complete").get("status") == "True":
        return Progress(True)
    counts = ", ".join(f"{word}: {number(status.get(word.lower()))}" for word in ("Active", "Succeeded", "Failed"))
    text = f'Waiting for Job "{identity(live)}" to succeed ({counts})'
    return Progress(False, text, [text, *pods.all_problems(pods.owned(around, live))])
