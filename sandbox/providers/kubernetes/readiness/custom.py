"""The annotation `pulumi.com/waitFor`: one expression or a JSON list of them, all of which must hold.

`condition=Type[=Status]` as in `kubectl wait`, `jsonpath={.path}[=value]` in the strict syntax of `kubectl get -o
jsonpath`. See https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/ (managing resource readiness).
"""

from __future__ import annotations

import json
from typing import Any

from jsonpath_ng.ext.parser import parse as parse_path

from sandbox.providers.kubernetes.objects import Object, items, members, metadata, pluck
from sandbox.providers.kubernetes.readiness.progress import Check, Progress, Surroundings, number


def wait_for(text: str) -> Check:
    """The check an annotation asks for. Raises ValueError with one line for what it does not understand."""
    try:
        given = json.loads(text)
    except ValueError:
        given = text
    texts = given if isinstance(given, list) else [text]
    if not texts:
        raise ValueError("pulumi.com/waitFor: at least one condition must be specified")
    checks = [_parse(str(one)) for one in texts]

    def check(live: Object, around: Surroundings) -> Progress:
        for one in checks:
            progress = one(live, around)
            if not progress.ready:
                return progress
        return Progress(True)

    return check


def _parse(text: str) -> Check:
    if text.startswith("condition="):
        wanted, _, status = text.removeprefix("condition=").partition("=")
        return _condition(wanted, status or "True")
    if text.startswith("jsonpath="):
        return _jsonpath(text.removeprefix("jsonpath="))
    raise ValueError(f'pulumi.com/waitFor: expected a "jsonpath=" or "condition=" prefix, got "{text}"')


def _current(live: Object, one: dict[str, Any]) -> bool:
    """Whether a condition (or, with an empty one, the status) is about the object as it is now."""
    seen = one.get("observedGeneration", pluck(live, "status", "observedGeneration"))
    return seen is None or number(seen) >= number(metadata(live).get("generation"))


def _condition(wanted: str, status: str) -> Check:
    def check(live: Object, _: Surroundings) -> Progress:
        for one in map(members, items(pluck(live, "status", "conditions"))):
            if str(one.get("type")).lower() == wanted.lower():
                have = str(one.get("status"))
                text = f"Resource has condition {wanted}={have} (want {status})"
                return Progress(_current(live, one) and have.lower() == status.lower(), text, [text])
        text = f"Waiting for condition {wanted}={status}"
        return Progress(False, text, [text])

    return check


def _jsonpath(text: str) -> Check:
    path, _, value = text.replace("==", "\0").partition("=")
    path, value = path.replace("\0", "==").strip(), value.replace("\0", "==")
    if not (path.startswith("{") and path.endswith("}")):
        raise ValueError(f"pulumi.com/waitFor: {path} should be wrapped in brackets {{ ... }}")
    inner = path[1:-1].strip()
    try:
        expression = parse_path(inner if inner.startswith("$") else f"${inner}")
    except Exception as error:  # noqa: BLE001 - the parser raises plain exceptions of several kinds
        raise ValueError(f"pulumi.com/waitFor: {path} is not a JSONPath: {error}") from None

    def check(live: Object, _: Surroundings) -> Progress:
        found = [match.value for match in expression.find(live)]
        have = _text(found[0]) if found else ""
        text = f"Waiting for {path}={value} (found {have!r})" if value else f"Waiting for {path}"
        holds = bool(found) and (not value or have == value)
        return Progress(holds and _current(live, {}), text, [text])

    return check


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | dict | list) or value is None else str(value)
