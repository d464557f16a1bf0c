"""Plans read from Pulumi's own documents.

`load` takes what `pulumi preview --json` prints, what `pulumi stack export` prints, or loose resources in the shape of
either (`{"resources": [{"type": ..., "inputs": ...}]}` or a list of them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plan.model import UNKNOWN, Plan, PlanError, Resource
from plan.values import plain

GONE = frozenset({"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace"})
"""Steps whose resource is not part of the stack afterwards."""


def read(path: Path | str) -> Plan:
    """Read a document from a file. Raises `PlanError` with one line for a missing file or broken JSON."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise PlanError(f"{path}: cannot be read ({error.strerror}); give a file of `pulumi preview --json`") from None
    except UnicodeDecodeError:
        raise PlanError(f"{path}: is not text; give a file of `pulumi preview --json`") from None
    return loads(text, str(path))


def loads(text: str, origin: str = "the plan") -> Plan:
    """Read a document from text; `origin` names it in messages."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise PlanError(
            f"{origin}: not JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
            "give the output of `pulumi preview --json` or `pulumi stack export`"
        ) from None
    return load(document, origin)


def load(document: Any, origin: str = "the plan") -> Plan:
    """Turn a parsed document into a plan. Raises `PlanError` when it is of another shape or reports errors."""
    if isinstance(document, list):
        document = {"resources": document}
    if not isinstance(document, Mapping):
        raise PlanError(f"{origin}: a JSON object is expected, not {type(document).__name__}")
    if errors := _errors(document):
        raise PlanError([f"{origin}: the preview failed: {error}" for error in errors])
    if isinstance(document.get("deployment"), Mapping):
        return _plan(document["deployment"].get("resources") or [], document, origin)
    if isinstance(document.get("steps"), list):
        return _plan(_new_states(document["steps"], origin), document, origin, _incomplete(document))
    if isinstance(document.get("resources"), list):
        return _plan(document["resources"], document, origin)
    raise PlanError(f"{origin}: it has neither `steps` (pulumi preview --json) nor `deployment` (pulumi stack export)")


def _errors(document: Mapping[str, Any]) -> list[str]:
    found = [str(document["error"])] if document.get("error") else []
    diagnostics = [entry for entry in document.get("diagnostics") or [] if isinstance(entry, Mapping)]
    messages = [str(entry.get("message", "")) for entry in diagnostics if entry.get("severity") == "error"]
    return found + [" ".join(message.split()) for message in messages]


def _new_states(steps: list[Any], origin: str) -> Iterable[Mapping[str, Any]]:
    for number, step in enumerate(steps):
        if not isinstance(step, Mapping):
            raise PlanError(f"{origin}: steps[{number}] is not an object")
        if step.get("op") in GONE:
            continue
        state = step.get("newState") or (step.get("oldState") if step.get("op") == "same" else None)
        if isinstance(state, Mapping):
            yield {"urn": step.get("urn"), **state}


def _incomplete(document: Mapping[str, Any]) -> str | None:
    """Pulumi leaves unchanged resources out unless --show-sames is given."""
    same = (document.get("changeSummary") or {}).get("same", 0)
    listed = sum(isinstance(step, Mapping) and step.get("op") == "same" for step in document["steps"])
    if same > listed:
        return f"{same - listed} unchanged resources are not in the document: run `pulumi preview --json --show-sames`"
    return None


def _plan(states: Iterable[Any], document: Mapping[str, Any], origin: str, incomplete: str | None = None) -> Plan:
    resources: dict[str, Resource] = {}
    exports: Mapping[str, Any] = {}
    for number, state in enumerate(states):
        if not isinstance(state, Mapping) or not isinstance(state.get("type") or state.get("urn"), str):
            raise PlanError(f"{origin}: resource {number} has neither a type nor a URN")
        if state.get("delete"):
            continue  # an old copy that waits for its deletion
        resource = _resource(state, number)
        if resource.type == "pulumi:pulumi:Stack":
            exports = resource.outputs
        resources[resource.urn] = resource
    project, stack = _names(resources)
    config = {
        str(key): value if isinstance(value, str) else json.dumps(value)
        for key, value in (document.get("config") or {}).items()
    }
    return Plan(project, stack, tuple(resources.values()), config, exports, incomplete)


def _resource(state: Mapping[str, Any], number: int) -> Resource:
    urn = str(state.get("urn") or "")
    kind = str(state.get("type") or _type_of(urn))
    name = str(state.get("name") or (urn.rsplit("::", 1)[-1] if urn else f"resource-{number}"))
    provider = str(state.get("provider") or "").rsplit("::", 1)[0] or None
    inputs = plain(state.get("inputs") or {})
    inputs.pop("__defaults", None)
    related = state.get("propertyDependencies") or {}
    if not state.get("id"):
        inputs = _with_unknowns(inputs, related)
    return Resource(
        urn=urn or f"urn:pulumi:plan::loose::{kind}::{name}",
        type=kind,
        name=name,
        parent=state.get("parent") or None,
        provider=provider,
        inputs=inputs,
        dependencies=tuple(state.get("dependencies") or ()),
        property_dependencies={key: tuple(urns or ()) for key, urns in related.items()},
        custom=bool(state.get("custom", True)),
        protect=bool(state.get("protect")),
        id=state.get("id") or None,
        outputs=plain(state.get("outputs") or {}),
    )


def _with_unknowns(inputs: dict[str, Any], related: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, with a null that comes from another resource as unknown: a loose document may write it so."""
    for path in (name for name, urns in related.items() if urns):
        first, *rest = [part for part in re.split(r"[.\[\]]+", path) if part]
        if first in inputs:
            inputs[first] = _unknown_at(inputs[first], rest)
    return inputs


def _unknown_at(value: Any, path: Sequence[str]) -> Any:
    """A value with the null at the end of the path, or every null in what is there, as unknown."""
    if value is None:
        return UNKNOWN
    head, rest = (path[0], path[1:]) if path else (None, ())
    if isinstance(value, dict):
        return {key: _unknown_at(item, rest) if head in (None, key) else item for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown_at(item, rest) if head in (None, str(n)) else item for n, item in enumerate(value)]
    return value


def _type_of(urn: str) -> str:
    parts = urn.split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 3 else ""


def _names(resources: Mapping[str, Resource]) -> tuple[str, str]:
    for urn in resources:
        parts = urn.split("::")
        if len(parts) >= 4:
            return parts[1], parts[0].removeprefix("urn:pulumi:")
    return "", ""
