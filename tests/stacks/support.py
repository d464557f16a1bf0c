"""Stack files in memory: read one, change it, check it, plan it."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from typing import Any

import yaml

from plan import Plan, offline
from plan.config import StackFile
from stacks import config

REMOVED = object()
"""Value of a change that takes the key out."""


@functools.cache
def planned(stack: str, mode: offline.Mode = "preview") -> Plan:
    """A committed stack, planned once per test process."""
    return offline.run(stack, mode)


def document(stack: str = "local") -> dict[str, Any]:
    """The `config` of a stack file by full key."""
    path = config.FOLDER / f"Pulumi.{stack}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["config"]


def changed(changes: Mapping[str, Any], stack: str = "local") -> dict[str, Any]:
    """A stack's `config` with changes by path: sections without their prefix, keys separated by `/`."""
    result = copy.deepcopy(document(stack))
    for path, value in changes.items():
        *parents, last = path.split("/")
        place: Any = result
        for key in parents:
            place = place[_full(key, place)]
        if value is REMOVED:
            del place[_full(last, place)]
        else:
            place[_full(last, place)] = value
    return result


def _full(key: str, place: Mapping[str, Any]) -> str:
    prefixed = f"{config.PROJECT}:{key}"
    whole = "aws:region" in place or "gcp:region" in place
    return prefixed if prefixed in place or (whole and ":" not in key) else key


def plan_of(document: Mapping[str, Any], mode: offline.Mode = "preview") -> Plan:
    """Plan a `config` that is no file; the same one only once."""
    return _plan_of(json.dumps(document), mode)


@functools.cache
def _plan_of(text: str, mode: offline.Mode) -> Plan:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in json.loads(text).items()}
    return offline.evaluate(StackFile(config.PROJECT, "test", texts, ()), mode)
