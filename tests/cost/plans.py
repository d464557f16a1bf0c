"""Small plans for tests, in the shape of `pulumi preview --json`."""

from __future__ import annotations

from typing import Any

from plan import Plan, document

CONFIG = {"aws:region": "us-east-1", "gcp:region": "us-central1"}


def urn(name: str) -> str:
    return f"urn:pulumi:test::shop::test:index:Any::{name}"


def resource(kind: str, name: str, /, refers: Any = None, **inputs: Any) -> dict[str, Any]:
    """One new resource; `refers` maps input names to the names of other resources.

    It is `Any` because inputs of any name and type stand beside it.
    """
    related = {key: [urn(target)] for key, target in (refers or {}).items()}
    return {
        "op": "create",
        "urn": urn(name),
        "newState": {"urn": urn(name), "type": kind, "custom": True, "inputs": inputs, "propertyDependencies": related},
    }


def preview(*steps: dict[str, Any], **config: str) -> dict[str, Any]:
    return {"config": CONFIG | {key.replace("__", ":"): value for key, value in config.items()}, "steps": list(steps)}


def plan(*steps: dict[str, Any], **config: str) -> Plan:
    return document.load(preview(*steps, **config))
