"""`python -m sandbox coverage`: how much of AWS the local cloud serves, service by service or action by action."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from rich.table import Table

from sandbox.aws import coverage
from terminal import InvalidInput, out

SCHEMA_VERSION = 1
MEANING = {
    "native": "moto alone",
    "amended": "moto, completed here",
    "filled": "served here",
    "missing": 'answered "not available in the local cloud"',
    "unknown": "only a call would tell",
}


def show(service: str | None, *, as_json: bool) -> None:
    """Print the numbers of all services, or the actions of one. Raises InvalidInput for a name that is no service."""
    from botocore.exceptions import UnknownServiceError

    try:
        found = coverage.table() if service is None else [coverage.of(service)]
    except UnknownServiceError:
        known = ", ".join(coverage.SERVICES)
        raise InvalidInput(f"coverage: {service} is no AWS service of botocore; the components use {known}") from None
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, "services": [asdict(one) for one in found]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        out().print(_numbers(found) if service is None else _actions(found[0]))


def _numbers(services: list[coverage.Coverage]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("service")
    for kind in ("served", *MEANING):
        table.add_column(kind, justify="right")
    for one in services:
        table.add_row(one.service, str(one.served), *(str(len(getattr(one, kind))) for kind in MEANING))
    return table


def _actions(one: coverage.Coverage) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("action")
    table.add_column("by")
    for kind, meaning in MEANING.items():
        for action in getattr(one, kind):
            table.add_row(action, meaning)
    return table
