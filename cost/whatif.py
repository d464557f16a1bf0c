"""What if: a stack file with some values changed, evaluated like the real one. Nothing is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cost.terms import PROJECT
from plan import Plan, config, offline
from terminal import InvalidInput


def run(stack: str, changes: Sequence[str]) -> Plan:
    """The plan of a stack with changes such as `pools.h200.nodes=8`. Raises InvalidInput for other paths."""
    file = config.load(offline.ROOT, stack)
    values, problems = dict(file.config), []
    for change in changes:
        path, sign, text = change.partition("=")
        if not sign or not path:
            problems.append(f"--set {change}: write it as section.key=value, such as pools.h200.nodes=8")
            continue
        problem = _set(values, path.strip(), _value(text))
        if problem:
            problems.append(f"--set {change}: {problem}")
    if problems:
        raise InvalidInput(problems)
    return offline.evaluate(replace(file, config=values))


def _value(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _set(values: dict[str, str], path: str, value: Any) -> str | None:
    """Change one value in place; returns what is wrong with the path, or None."""
    section, *keys = path.split(".")
    full = section if ":" in section else f"{PROJECT}:{section}"
    if full not in values:
        known = ", ".join(sorted(key.removeprefix(f"{PROJECT}:") for key in values))
        return f"the stack file has no section {section} (it has {known})"
    if not keys:
        values[full] = value if isinstance(value, str) else json.dumps(value)
        return None
    try:
        document = json.loads(values[full])
    except ValueError:
        document = None
    at: Any = document
    for depth, key in enumerate(keys[:-1]):
        if isinstance(at, dict) and key in at:
            at = at[key]
        else:
            return f"there is no {'.'.join([section, *keys[: depth + 1]])} in the stack file"
    if not isinstance(at, dict):
        return f"{'.'.join([section, *keys[:-1]])} has no keys to set"
    at[keys[-1]] = value
    values[full] = json.dumps(document)
    return None
