"""Promises about unit costs: an accelerator-hour, a PFLOP-day, a million tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import cost
from cost import document, throughput, units
from cost.table import summary
from terminal import InvalidInput
from tests.cost.plans import plan, resource

MACHINE = resource("aws:ec2/instance:Instance", "gpu", instanceType="p5.48xlarge")


def estimate() -> cost.Estimate:
    return cost.estimate(plan(MACHINE))


def test_an_accelerator_hour_is_the_machine_by_its_accelerators_and_a_pflop_day_counts_the_peak() -> None:
    found = units.per_pool(estimate())[0]
    assert found.usd_per_accelerator_hour == Decimal("6.88")
    peak = Decimal("0.9895")  # PFLOP/s of an H100 SXM, dense bf16
    assert found.usd_per_pflop_day is not None
    assert abs(found.usd_per_pflop_day - Decimal("6.88") * 24 / peak) < 1


def test_nothing_is_said_of_tokens_unless_their_speed_is_given() -> None:
    found = estimate()
    assert units.per_pool(found)[0].usd_per_million_tokens is None
    assert "tokens" not in summary(found)
    assert document.of(found)["units"][0]["usd_per_million_tokens"] is None


def test_a_million_tokens_cost_the_pools_hour_by_the_tokens_it_makes_in_it() -> None:
    found = estimate()
    found = replace(found, tokens_per_second=throughput.given(found, ["gpu=100000"], None))
    unit = units.per_pool(found)[0]
    assert unit.usd_per_million_tokens == (Decimal("55.04") / (Decimal(100_000) * 3600 / 1_000_000)).quantize(
        Decimal("0.000001")
    )
    assert unit.kwh_per_million_tokens is not None
    assert unit.kwh_per_accelerator_hour is not None
    assert unit.kwh_per_million_tokens == pytest.approx(unit.kwh_per_accelerator_hour * 8 / 360)
    assert "a million tokens" in summary(found)


@pytest.mark.parametrize(
    "text",
    [
        '{"tokens_per_second": 2000, "pool": "gpu"}',
        '{"result": {"tokens_per_second": 2000}}',
        "\n".join(json.dumps({"tokens_per_second": speed}) for speed in (10, 2000, 3000)),
    ],
    ids=["result", "nested", "metrics.jsonl: the median"],
)
def test_the_speed_is_read_from_what_a_run_wrote(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(text, encoding="utf-8")
    assert throughput.given(estimate(), (), path) == {"gpu": Decimal(2000)}


@pytest.mark.parametrize(
    ("figures", "text", "words"),
    [
        (["other=5"], None, "the estimate has: gpu"),
        (["gpu=-5"], None, "not a positive number"),
        (["gpu=fast"], None, "not a positive number"),
        ([], '{"loss": 1}', "no tokens_per_second above 0"),
        ([], '{"tokens_per_second": 0}', "no tokens_per_second above 0"),
        ([], "{]\n{", "line 1: not JSON"),
    ],
)
def test_a_mistake_is_one_clear_message(tmp_path: Path, figures: list[str], text: str | None, words: str) -> None:
    path = None
    if text is not None:
        path = tmp_path / "result.json"
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=words):
        throughput.given(estimate(), figures, path)


def test_chips_of_a_tpu_pool_have_their_unit_cost() -> None:
    cluster = resource("gcp:container/cluster:Cluster", "gke", location="us-central1-a", removeDefaultNodePool=True)
    pool = resource(
        "gcp:container/nodePool:NodePool",
        "tpu",
        refers={"cluster": "gke"},
        placementPolicy={"type": "COMPACT", "tpuTopology": "4x4"},
        nodeConfig={"machineType": "ct5lp-hightpu-4t"},
    )
    found = units.per_pool(cost.estimate(plan(cluster, pool)))
    assert [(unit.accelerators, unit.usd_per_accelerator_hour) for unit in found] == [(16, Decimal("1.2"))]
    assert json.dumps(document.of(cost.estimate(plan(cluster, pool))))


@pytest.mark.parametrize(
    ("machine", "kilowatts", "words"),
    [
        ("a3-ultragpu-8g", 10.2, "same accelerators"),
        ("ct5lp-hightpu-4t", 0.9, "third party"),
        ("n2-standard-8", None, "no source"),
    ],
)
def test_power_of_a_google_machine_says_what_it_stands_on(machine: str, kilowatts: float | None, words: str) -> None:
    pool = {"location": "us-central1-b", "nodeCount": 1, "nodeConfig": {"machineType": machine}}
    found = cost.estimate(plan(resource("gcp:container/nodePool:NodePool", "it", **pool))).power
    assert found.max_kw == (None if kilowatts is None else pytest.approx(kilowatts))
    assert words in found.pools[0].basis
    assert bool(found.unknown) == (kilowatts is None)
