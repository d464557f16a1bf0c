"""What if: a stack file with some values changed, evaluated like the real one. Nothing is written."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cost.terms import PROJECT
from plan import Plan, config, offline
from terminal import InvalidInput

STEP = re.compile(r"""([^.\[\]]+)|\["([^"]*)"\]|\[(\d+)\]""")
"""One step of a path: a key, a key in quotation marks, a position."""
PATH = re.compile(r"""[^.\[\]]+(\.[^.\[\]]+|\["[^"]+"\]|\[\d+\])*""")


def run(stack: str, changes: Sequence[str]) -> Plan:
    """The plan of a stack with changes such as `pools.h200.nodes=8`. Raises InvalidInput for other paths."""
    file = config.load(offline.ROOT, stack)
    return offline.evaluate(replace(file, config=apply(file.config, changes)))


def apply(given: Mapping[str, str], changes: Sequence[str]) -> dict[str, str]:
    """A configuration with changes. Raises InvalidInput with every path that leads nowhere."""
    values, problems = dict(given), list[str]()
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
    return values


def _value(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _set(values: dict[str, str], path: str, value: Any) -> str | None:
    """Change one value in place, or add a section; returns what is wrong with the path, or None."""
    steps = _steps(path)
    if steps is None:
        return "write the path as section.key, with [0] for the first entry of a list"
    section, *keys = steps
    full = str(section) if ":" in str(section) else f"{PROJECT}:{section}"
    if not keys:
        values[full] = value if isinstance(value, str) else json.dumps(value)
        return None
    try:
        document = json.loads(values.get(full, "{}"))
    except ValueError:
        return f"{section} is encrypted or a plain text; it has no keys to set"
    at: Any = document
    for depth, key in enumerate(keys[:-1]):
        problem = _missing(at, key, steps[: depth + 1])
        if problem and full not in values and isinstance(key, str):
            at[key], problem = {}, None  # a new section: what its parts may be called, the stack file's shape says
        if problem:
            return problem
        at = at[key]
    last = keys[-1]
    if isinstance(at, dict) and isinstance(last, str):
        at[last] = value
    elif isinstance(at, list) and isinstance(last, int) and last <= len(at):
        at[last : last + 1] = [value]  # the position after the last one adds an entry
    else:
        return _missing(at, last, steps[:-1])
    values[full] = json.dumps(document)
    return None


def _missing(at: Any, key: str | int, parents: Sequence[str | int]) -> str | None:
    """Why there is no such key or entry."""
    where = _path(parents)
    if isinstance(key, int):
        if not isinstance(at, list):
            return f"{where} is no list; it has no [{key}]"
        entries = "1 entry" if len(at) == 1 else f"{len(at)} entries"
        return None if key < len(at) else f"there is no {where}[{key}] in the stack file: it has {entries}"
    if not isinstance(at, dict):
        hint = f"; write {where}[0]" if isinstance(at, list) else ""
        return f"{where} has no keys to set{hint}"
    near = difflib.get_close_matches(key, list(at), n=1)
    hint = f"; did you mean {near[0]}?" if near else f" (it has {', '.join(at)})" if at else ""
    return None if key in at else f"there is no {_path([*parents, key])} in the stack file{hint}"


def _steps(path: str) -> list[str | int] | None:
    """`pools.h200.zones[0]` as keys and positions; a key with dots is written in brackets and quotation marks."""
    if not PATH.fullmatch(path):
        return None
    return [int(position) if position else quoted or key for key, quoted, position in STEP.findall(path)]


def _path(steps: Sequence[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
