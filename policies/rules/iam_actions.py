"""Statements about every resource, and the actions that are too strong for that."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from .documents import Statement
from .iam import DOCUMENTS, ROLE, documents
from .model import Parameters, Resource, Violation, resource_rule

FILE = Path(__file__).resolve().parent.parent / "iam_actions.json"


@cache
def _lists() -> dict[str, list[str]]:
    """Lists of actions by kind, in lower case."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return {kind: [action.lower() for action in actions] for kind, actions in found["actions"].items()}


KINDS = {
    "CKV_AWS_286": ("escalation", "raise its own rights"),
    "CKV_AWS_287": ("credentials", "get credentials"),
    "CKV_AWS_288": ("data", "read data"),
    "CKV_AWS_289": ("permissions", "change permissions"),
    "CKV_AWS_290": ("write", "change or delete"),
}


@resource_rule(
    id="iam-no-unconstrained-write",
    title="Strong actions name their resources",
    severity="high",
    level="advisory",
    types=[*DOCUMENTS, ROLE],
    fix="name the resources by ARN, or add a condition.",
    references=[*KINDS, "CKV_AWS_355", "NIST 800-53 AC-6"],
    parameters={"allowed-actions": ()},
)
def no_unconstrained_write(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """What may be done to every resource will be done to the wrong one."""
    allowed = [str(action).lower() for action in given["allowed-actions"]]
    for statement in documents(resource):
        if not statement.allows or not statement.everywhere or statement.conditions:
            continue
        if statement.not_actions:
            left = ", ".join(statement.not_actions[:3])
            yield Violation(f"every action but {left} is allowed everywhere.", check="not-action")
        actions = [action for action in map(str.lower, statement.actions) if action not in allowed]
        for check, (kind, what) in KINDS.items():
            if found := _among([action for action in actions if not _free(action)], _lists()[kind]):
                yield Violation(f"{found} lets it {what} everywhere.", check=check)
        if found := _restrictable(statement, actions):
            yield Violation(f"{found} is allowed on every resource.", check="CKV_AWS_355")


def _among(actions: Sequence[str], listed: Sequence[str]) -> str | None:
    """The first action that meets a list; both may hold wildcards. `service:*` meets every action of the service."""
    for action in actions:
        if any(fnmatch.fnmatchcase(action, entry) or fnmatch.fnmatchcase(entry, action) for entry in listed):
            return action
    return None


def _restrictable(statement: Statement, actions: Sequence[str]) -> str | None:
    """An action that could name its resources. A wildcard could unless all that it covers cannot."""
    if "*" not in statement.resources:
        return None
    return next((action for action in actions if not _free(action)), None)


def _free(action: str) -> bool:
    """Whether an action, and all that its wildcard covers, knows no resources."""
    return any(fnmatch.fnmatchcase(action, entry) for entry in _lists()["unrestrictable"])
