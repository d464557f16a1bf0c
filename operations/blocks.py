"""Whether the Capacity Blocks that a stack lives on have begun.

Before its start a block has no machine to give, and a node group that asks for one fails after half an hour, in words
that do not say why. The plan must not depend on today, so the question is asked here, before anything is created.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import plan

BLOCK = "capacity-block"


def problems(wanted: plan.Plan, now: datetime) -> list[str]:
    """One line for each pool that asks for nodes of a block which begins later; a block without `start` is believed."""
    pools = json.loads(wanted.config.get("ai-datacenter:pools") or "{}")
    measured = json.loads(wanted.config.get("ai-datacenter:benchmark") or "{}")
    found = []
    for name, pool in pools.items():
        purchase = pool.get("purchase") or {}
        start = _moment(purchase.get("start")) if purchase.get("model") == BLOCK else None
        if start is None or start <= now or not pool.get("nodes"):
            continue
        benchmark = f" and take benchmark[{name}] out" if name in measured else ""
        found.append(
            f"pools[{name}].purchase.start: the block begins at {start:%Y-%m-%d %H:%M} UTC and has no machine to give "
            f"before. Set nodes to 0{benchmark} until then (max: {pool['nodes']} keeps the room): everything else can "
            "be made now"
        )
    return found


def _moment(text: object) -> datetime | None:
    """A time of a stack file; one without a zone is UTC."""
    if not isinstance(text, str):
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
