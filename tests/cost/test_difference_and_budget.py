"""Promises about comparisons and limits."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import cost
from cost import baseline, usage
from plan import Plan
from terminal import InvalidInput
from tests.cost.plans import plan, resource

MACHINE = "aws:ec2/instance:Instance"


def machines(kind: str, **config: str) -> Plan:
    return plan(resource(MACHINE, "m", instanceType=kind), **config)


def test_a_change_names_the_property_and_sums_up() -> None:
    before, after = (cost.estimate(machines(kind)) for kind in ("m7i.xlarge", "m7i.2xlarge"))
    found = cost.compare(before, after)
    assert [entry.change for entry in found.changes] == ["changed"]
    assert "m7i.xlarge" in found.changes[0].reason
    assert "m7i.2xlarge" in found.changes[0].reason
    assert sum((entry.monthly_usd for entry in found.changes), Decimal(0)) == found.monthly_usd


def test_what_comes_and_goes_is_told_apart() -> None:
    one = cost.estimate(plan(resource(MACHINE, "a", instanceType="m7i.xlarge")))
    other = cost.estimate(plan(resource("aws:kms/key:Key", "k")))
    found = cost.compare(one, other)
    assert {entry.change for entry in found.changes if entry.resource == "a"} == {"removed"}
    assert {entry.change for entry in found.changes if entry.resource == "k"} == {"added"}


def test_equal_estimates_have_no_difference() -> None:
    found = cost.estimate(machines("m7i.xlarge"))
    assert cost.compare(found, found).changes == ()


NODES = "aws:eks/nodeGroup:NodeGroup"


def group(size: int, kind: str = "p5.48xlarge", **inputs: Any) -> Any:
    return resource(NODES, "gpu", instanceTypes=[kind], scalingConfig={"desiredSize": size}, **inputs)


def test_a_change_names_the_input_that_is_the_reason() -> None:
    found = cost.compare(cost.estimate(plan(group(4))), cost.estimate(plan(group(8))))
    assert all(entry.reason.startswith("scalingConfig.desiredSize 4 -> 8") for entry in found.changes)
    template = [
        resource("aws:ec2/launchTemplate:LaunchTemplate", "lt", instanceType=kind, tags={"at": kind})
        for kind in ("p4d.24xlarge", "p5.48xlarge")
    ]
    scaled = [
        resource("aws:autoscaling/group:Group", "g", refers={"launchTemplate": "lt"}, desiredCapacity=1, maxSize=most)
        for most in (1, 1, 2)
    ]
    before, after, both = (
        cost.estimate(plan(entry, many)) for entry, many in zip([*template, template[1]], scaled, strict=True)
    )
    changed = next(entry for entry in cost.compare(before, after).changes if entry.change == "changed")
    assert changed.reason.startswith("lt: instanceType p4d.24xlarge -> p5.48xlarge;")
    changed = next(entry for entry in cost.compare(before, both).changes if entry.change == "changed")
    assert changed.reason.startswith("maxSize 1 -> 2, lt: instanceType p4d.24xlarge -> p5.48xlarge;")


def block(days: int) -> cost.Estimate:
    template = resource(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "lt",
        instanceType="p5en.48xlarge",
        instanceMarketOptions={"marketType": "capacity-block"},
    )
    nodes = resource(
        NODES, "nodes", refers={"launchTemplate": "lt"}, capacityType="CAPACITY_BLOCK", tags={"dc:pool": "h"},
        scalingConfig={"desiredSize": 1},
    )  # fmt: skip
    pools = json.dumps({"h": {"purchase": {"days": days}}})
    return cost.estimate(plan(template, nodes, **{"ai-datacenter__pools": pools}))


def test_a_longer_block_is_a_change_of_what_is_paid_up_front_in_every_format_and_has_a_limit() -> None:
    before, after = block(40), block(90)
    found = cost.compare(before, after)
    assert (found.monthly_usd, found.upfront_usd) == (0, Decimal("54.92") * 24 * 50)
    assert [(entry.change, entry.upfront_usd) for entry in found.changes] == [("changed", found.upfront_usd)]
    for kind in ("markdown", "html", "json"):
        assert "65,904.00" in cost.report.render(after, kind, found).replace("65904", "65,904.00")
    assert after.plan
    limited = replace(after.plan, config={"ai-datacenter:budget": '{"rise-usd": 1, "rise-upfront-usd": 1000}'})
    assert [line.partition(":")[0] for line in cost.breaches(after, limited, found)] == ["budget.rise-upfront-usd"]


def test_a_change_of_the_range_alone_is_a_change() -> None:
    gateway = plan(resource("aws:ec2/natGateway:NatGateway", "way"))

    def used(high: int) -> cost.Estimate:
        amount = {"monthly_data_processed_gb": {"base": 10, "high": high}}
        return cost.estimate(gateway, usage.parse({"resource_usage": {"way": amount}}))

    found = cost.compare(used(100), used(1000))
    assert found.range_usd == (0, 0, Decimal("40.5"))
    assert [(entry.range_usd.high, entry.reason) for entry in found.changes] == [
        (Decimal("40.5"), "usage 10 to 100 -> 10 to 1000 GB")
    ]


def test_what_has_no_price_and_comes_goes_or_grows_is_listed_in_every_format() -> None:
    one = cost.estimate(plan(group(2, "p5e.48xlarge"), resource("aws:made/up:Old", "old")))
    other = cost.estimate(plan(group(4, "p5e.48xlarge"), resource("aws:made/up:New", "new")))
    found = cost.compare(one, other)
    assert {(gap.resource, gap.change) for gap in found.unpriced} == {
        ("gpu", "changed"), ("old", "removed"), ("new", "added"),
    }  # fmt: skip
    assert "desiredSize 2 -> 4" in next(gap.reason for gap in found.unpriced if gap.resource == "gpu")
    for kind in ("markdown", "html", "json"):
        text = cost.report.render(other, kind, found)
        assert all(word in text for word in ("aws:made/up:New", "aws:made/up:Old", "are in neither sum"))
    assert cost.compare(other, other).unpriced == ()


@pytest.mark.parametrize(
    ("limit", "value", "broken"),
    [
        ("monthly-usd", 100, True),
        ("monthly-usd", 1000, False),
        ("hourly-usd", 0.1, True),
        ("accelerators", 0, False),
        ("power-kw", 0.001, True),
        ("carbon-kg", 0.001, True),
        ("energy-kwh", 0.001, True),
        ("upfront-usd", 0, False),
    ],
)
def test_a_broken_limit_is_one_line_with_figure_limit_and_culprit(limit: str, value: float, *, broken: bool) -> None:
    wanted = machines("m7i.xlarge", **{"ai-datacenter__budget": json.dumps({limit: value})})
    found = cost.breaches(cost.estimate(wanted), wanted)
    assert bool(found) == broken
    if broken:
        assert found[0].startswith(f"budget.{limit}:")
        assert "m" in found[0].partition("most of it:")[2]


def test_a_rise_above_its_limit_is_refused() -> None:
    wanted = machines("m7i.2xlarge", **{"ai-datacenter__budget": '{"rise-percent": 50, "rise-usd": 1000}'})
    after = cost.estimate(wanted)
    difference = cost.compare(cost.estimate(machines("m7i.xlarge")), after)
    assert [line.partition(":")[0] for line in cost.breaches(after, wanted, difference)] == ["budget.rise-percent"]


def test_an_estimate_file_is_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    before = cost.estimate(machines("m7i.xlarge"))
    path.write_text(cost.report.render(before, "json"), encoding="utf-8")
    wanted = machines("m7i.xlarge")
    assert cost.compare(baseline.read(path, wanted, usage.Usage()), cost.estimate(wanted)).monthly_usd == 0
    path.write_text('{"totals": {}, "lines": [], "schema_version": 99}', encoding="utf-8")
    with pytest.raises(InvalidInput, match="schema_version 99"):
        baseline.read(path, wanted, None)


def test_a_limit_whose_figure_is_partly_unknown_cannot_be_told_to_hold() -> None:
    limits = json.dumps({"monthly-usd": 10**6, "power-kw": 100, "accelerators": 8})
    wanted = machines("p5e.48xlarge", **{"ai-datacenter__budget": limits})
    notes = cost.untold(cost.estimate(wanted), wanted)
    assert [note.partition(":")[0] for note in notes] == ["budget.monthly-usd"]
    assert "cannot tell: no price for m" in notes[0]
    google = plan(
        resource("gcp:container/nodePool:NodePool", "n", location="us-central1-a", nodeCount=1,
                 nodeConfig={"machineType": "n2-standard-8"}),
        **{"ai-datacenter__budget": limits},
    )  # fmt: skip
    assert [note.partition(":")[0] for note in cost.untold(cost.estimate(google), google)] == ["budget.power-kw"]
    sure = machines("m7i.xlarge", **{"ai-datacenter__budget": limits})
    assert cost.untold(cost.estimate(sure), sure) == []


def test_the_limit_of_power_counts_what_the_site_supplies() -> None:
    def broken(limit: float) -> list[str]:
        wanted = machines("p5.48xlarge", **{"ai-datacenter__budget": json.dumps({"power-kw": limit})})
        return cost.breaches(cost.estimate(wanted), wanted)

    drawn = cost.estimate(machines("p5.48xlarge")).power
    assert drawn.max_kw
    assert drawn.site_kw
    assert drawn.pools[0].pue
    assert drawn.site_kw == drawn.max_kw * drawn.pools[0].pue
    assert broken((drawn.max_kw + drawn.site_kw) / 2)
    assert not broken(drawn.site_kw + 0.01)


def test_every_key_of_the_stack_files_budget_is_known_to_the_report() -> None:
    from components.budget_spec import BudgetSpec
    from cost.budget import ALARMS, KEYS

    assert {name.replace("_", "-") for name in BudgetSpec.model_fields} == {*KEYS, *ALARMS}


def test_an_encrypted_budget_cannot_be_told_to_hold() -> None:
    from plan import SECRET

    wanted = machines("m7i.xlarge", **{"ai-datacenter__budget": SECRET})
    assert cost.breaches(cost.estimate(wanted), wanted) == []
    assert "encrypted" in cost.untold(cost.estimate(wanted), wanted)[0]
