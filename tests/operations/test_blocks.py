"""A Capacity Block that has not begun is told before anything is created, and the plan never asks for the date."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

import plan
from operations import blocks
from tests.stacks.support import changed, plan_of

START = "2026-12-01T11:30:00Z"
BEFORE, AFTER = datetime(2026, 12, 1, 11, 29, tzinfo=UTC), datetime(2026, 12, 1, 11, 30, tzinfo=UTC)


def wanted(nodes: int = 4, benchmark: tuple[str, ...] = (), **purchase: Any) -> plan.Plan:
    pool = {"nodes": nodes, "purchase": {"model": "capacity-block", "start": START} | purchase}
    config = {
        "ai-datacenter:pools": json.dumps({"h200": pool}),
        "ai-datacenter:benchmark": json.dumps({name: {} for name in benchmark}),
    }
    return plan.Plan("ai-datacenter", "prod", (), config)


def test_nodes_of_a_block_that_has_not_begun_are_refused_with_the_way_out() -> None:
    (problem,) = blocks.problems(wanted(benchmark=("h200",)), BEFORE)
    assert problem == (
        "pools[h200].purchase.start: the block begins at 2026-12-01 11:30 UTC and has no machine to give before. Set "
        "nodes to 0 and take benchmark[h200] out until then (max: 4 keeps the room): everything else can be made now"
    )


@pytest.mark.parametrize(
    "fine",
    [wanted(nodes=0), wanted(start=None), wanted(model="spot"), plan.Plan("ai-datacenter", "prod", (), {})],
    ids=["no nodes yet", "start unknown", "no block", "no pools"],
)
def test_everything_else_goes_ahead(fine: plan.Plan) -> None:
    assert blocks.problems(fine, BEFORE) == []


def test_a_block_that_has_begun_goes_ahead() -> None:
    assert blocks.problems(wanted(), AFTER) == []


@pytest.mark.parametrize("text", ["2026-12-01T11:30:00", "2026-12-01T12:30:00+01:00"])
def test_a_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert blocks.problems(wanted(start=text), BEFORE)
    assert not blocks.problems(wanted(start=text), AFTER)


def test_a_pool_without_nodes_can_be_made_before_its_block_begins() -> None:
    changes = {"pools/h200/nodes": 0, "pools/h200/max": 4, "benchmark": {}}
    whole = plan_of(changed(changes, "prod-h200"))
    (group,) = [one for one in whole.of_type("aws:eks/nodeGroup:NodeGroup") if one.name == "h200-nodes"]
    assert group.inputs["scalingConfig"] == {"desiredSize": 0, "minSize": 0, "maxSize": 4}
