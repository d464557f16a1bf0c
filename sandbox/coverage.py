"""`python -m sandbox coverage`: what the local cloud does of each provider.

AWS is emulated: service by service, or the actions of one. Google Cloud is recorded: the resource types that are
checked and written down, and nothing answers for them. Kubernetes is neither: it is the real control plane.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from rich.table import Table

from sandbox.aws import coverage
from terminal import InvalidInput, out

SCHEMA_VERSION = 2
RECORDED = "gcp"
"""The provider that is recorded; stands where a service of AWS would."""
MEANING = {
    "native": "moto alone",
    "amended": "moto, completed here",
    "filled": "served here",
    "missing": 'answered "not available in the local cloud"',
    "unknown": "only a call would tell",
}


def show(service: str | None, *, as_json: bool) -> None:
    """Print the numbers of everything, or the actions of one service. Raises InvalidInput for a name that is none."""
    from botocore.exceptions import UnknownServiceError

    from sandbox.providers.gcp.types import RECORDS

    recorded = sorted(RECORDS) if service in (None, RECORDED) else []
    if service == RECORDED:
        _print([], recorded, None, as_json=as_json)
        return
    try:
        found = coverage.table() if service is None else [coverage.of(service)]
    except UnknownServiceError:
        known = ", ".join(coverage.SERVICES)
        raise InvalidInput(
            f"coverage: {service} is no AWS service of botocore; the components use {known}, and {RECORDED} is recorded"
        ) from None
    _print(found, recorded, service, as_json=as_json)


def _print(services: list[coverage.Coverage], recorded: list[str], service: str | None, *, as_json: bool) -> None:
    if as_json:
        providers = {
            "aws": {"how": "emulated", "services": [asdict(one) for one in services]},
            "gcp": {"how": "recorded, not emulated", "types": recorded},
            "kubernetes": {"how": "the real control plane"},
        }
        sys.stdout.write(json.dumps({"schema_version": SCHEMA_VERSION, "providers": providers}, indent=2) + "\n")
        return
    if services:
        out().print(_numbers(services) if service is None else _actions(services[0]))
    if recorded:
        out().print(
            f"{RECORDED}: recorded, not emulated: inputs are checked, {len(recorded)} resource types are written"
        )
        out().print("down, and nothing of Google answers for them")
        for kind in recorded:
            out().print(f"  {kind}", markup=False, highlight=False)
    if service is None:
        out().print("kubernetes: the real control plane; pods run on the process node, elsewhere nodes are simulated")


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
