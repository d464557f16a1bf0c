"""The budget of a stack file and the totals of its estimate reach the rules, in the engine as without it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from policies import check
from policies.examples import Thing
from policies.examples.aws import NODES
from policies.profiles import KEY, PROFILES, settings
from policies.rules import ALL
from policies.rules.evaluate import Outcome, Pack
from terminal import InvalidInput
from tests.policies.test_rules import built

OPEN_TO_THE_WORLD = (
    "s3-acl-not-public",
    "s3-policy-no-wildcard-principal",
    "sg-no-world-admin-ports",
    "eks-endpoint-not-world",
    "iam-no-admin",
    "iam-trust-not-wildcard",
    "iam-github-oidc-claims",
    "rds-not-public",
    "lb-internal-by-default",
    "k8s-no-privileged",
)
REFUSED = (
    "efa-instance-supported",
    "efa-card-layout",
    "capacity-block-launch-template",
    "capacity-type-supported",
    "fsx-lustre-option-combination",
    "fsx-lustre-capacity-step",
    "ebs-size-iops-throughput",
    "gpu-limits-well-formed",
    "hugepages-well-formed",
)
PUE = 1.25
BUDGET = {"monthly-usd": 100, "hourly-usd": 1, "upfront-usd": 5, "power-kw": 2, "energy-kwh": 7, "carbon-kg": 3}


def drawn(kw: float | None, kwh: float | None, *more: Any) -> Any:
    """Power of a pool that takes `kw` at its plugs, in a building that takes a quarter on top."""
    pool = SimpleNamespace(max_kw=kw and kw / PUE, pue=PUE, kwh_month=kwh)
    return SimpleNamespace(kwh_month=kwh, pools=(pool, *more))


def estimate(**changes: Any) -> Any:
    """What `cost.estimate` gives, as far as the rules look."""
    figures = {"monthly": 200.0, "hourly": 2.0, "upfront": 10.0, "kw": 4.0, "kwh": 9.0, "kg": 8.0, **changes}
    power = drawn(figures["kw"], figures["kwh"])
    return SimpleNamespace(
        totals=SimpleNamespace(
            monthly_usd=SimpleNamespace(base=figures["monthly"]),
            hourly_usd=figures["hourly"],
            upfront_usd=figures["upfront"],
        ),
        power=figures.get("power", power),
        carbon=SimpleNamespace(kg_month=figures["kg"], pools=()),
        region="us-east-1",
        unknown=(),
    )


def config(budget: dict[str, Any]) -> dict[str, str]:
    return {KEY: "{}", "ai-datacenter:budget": json.dumps(budget)}


def outcome(budget: dict[str, Any], given: Any, **inputs: Any) -> Outcome:
    applied = settings(config(budget), given)
    nodes = {"instanceTypes": ["p5en.48xlarge"], "scalingConfig": {"maxSize": 2}, **inputs}
    return Pack(ALL, applied.levels, applied.parameters).stack(built([Thing(NODES, "nodes", nodes)]))


def broken(budget: dict[str, Any], given: Any, **inputs: Any) -> set[tuple[str, str]]:
    rules = (
        "cost-estimate-within-budget",
        "power-within-budget",
        "carbon-region-threshold",
        "accelerator-count-cap",
    )
    found = outcome(budget, given, **inputs).findings
    return {(entry.rule.id, entry.check) for entry in found if entry.rule.id in rules}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("monthly-usd", ("cost-estimate-within-budget", "monthly")),
        ("hourly-usd", ("cost-estimate-within-budget", "hourly")),
        ("upfront-usd", ("cost-estimate-within-budget", "upfront")),
        ("power-kw", ("power-within-budget", "power-within-budget")),
        ("energy-kwh", ("power-within-budget", "energy")),
        ("carbon-kg", ("carbon-region-threshold", "budget")),
    ],
)
def test_each_limit_of_the_budget_reaches_its_rule(limit: str, expected: tuple[str, str]) -> None:
    assert broken({limit: BUDGET[limit]}, estimate()) == {expected}
    assert broken({limit: 1000 * BUDGET[limit]}, estimate()) == set()


def test_accelerators_are_counted_against_the_budget() -> None:
    assert broken({"accelerators": 15}, estimate()) == {("accelerator-count-cap", "accelerator-count-cap")}
    assert broken({"accelerators": 16}, estimate()) == set()


def test_without_a_limit_or_a_total_nothing_can_be_told() -> None:
    for given in (estimate(kw=None, kwh=None), None):
        doubts = outcome({"power-kw": 2}, given).doubts
        assert "power-within-budget" in [doubt.rule.id for doubt in doubts]
    assert "cost-estimate-within-budget" in [doubt.rule.id for doubt in outcome({}, estimate()).doubts]


def test_the_power_limit_is_that_of_the_site_cooling_included() -> None:
    assert check.engine_configuration(config(BUDGET), estimate(kw=4.0))["power-within-budget"]["kw"] == 4.0
    at_the_plug = drawn(4.0, 9.0).pools[0].max_kw
    assert broken({"power-kw": at_the_plug + 0.1}, estimate()) == {("power-within-budget", "power-within-budget")}


def test_totals_are_judged_whatever_it_is_that_costs() -> None:
    applied = settings(config({"monthly-usd": 100}), estimate())
    found = Pack(ALL, applied.levels, applied.parameters).stack(built([Thing("aws:rds/instance:Instance", "db")]))
    assert ("cost-estimate-within-budget", "db") in [(entry.rule.id, entry.resource.name) for entry in found.findings]


def test_emissions_are_those_of_the_region_a_resource_is_in() -> None:
    applied = settings({KEY: "{}", "aws:region": "eu-north-1"}, estimate())
    wait = {"tags": {"deferrable": "true"}}
    things = [Thing(NODES, "here", wait), Thing(NODES, "there", {**wait, "region": "ap-southeast-2"})]
    pack = Pack(
        ALL,
        applied.levels,
        {
            **applied.parameters,
            "carbon-region-threshold": {**applied.parameters["carbon-region-threshold"], "g-per-kwh": 9},
        },
    )
    found = [entry.resource.name for entry in pack.stack(built(things)).findings if entry.rule.id.startswith("carbon")]
    assert found == ["there"]


@pytest.mark.parametrize("value", ["lots", "nan", -1, True, [1], 10**400])
def test_a_limit_that_is_no_number_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(config({"monthly-usd": value, "power-kw": 1}), estimate())
    assert [line.partition(":")[0] for line in caught.value.problems] == ["budget.monthly-usd"]


def test_a_plan_that_names_only_a_region_of_google_is_of_google() -> None:
    given = estimate()
    given.region = "us-central1"
    applied = settings({"gcp:region": "us-central1"}, given)
    assert applied.parameters["carbon-region-threshold"]["g-per-kwh"] > 0


def test_a_part_of_the_power_is_enough_to_be_above_the_limit_and_never_below_it() -> None:
    def partly(kw: float) -> Any:
        return estimate(power=drawn(kw, None, SimpleNamespace(max_kw=None, pue=PUE, kwh_month=None)))

    assert broken({"power-kw": 2}, partly(3)) == {("power-within-budget", "power-within-budget")}
    assert "power-within-budget" in [doubt.rule.id for doubt in outcome({"power-kw": 2}, partly(1)).doubts]


def test_the_engine_is_given_the_same_figures_as_the_runner() -> None:
    file = check.engine_configuration(config(BUDGET), estimate())
    assert file["cost-estimate-within-budget"]["max-upfront-usd"] == 5
    assert file["cost-estimate-within-budget"]["upfront-usd"] == 10
    assert file["power-within-budget"]["max-kwh"] == 7
    assert file["carbon-region-threshold"]["max-kg"] == 3


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_what_a_cloud_refuses_and_what_opens_to_the_world_is_mandatory_in_every_profile(profile: str) -> None:
    pack = Pack(ALL, PROFILES[profile])
    levels = {rule.id: pack.level(rule) for rule in ALL}
    assert {levels[rule] for rule in (*OPEN_TO_THE_WORLD, *REFUSED)} == {"mandatory"}


def test_a_profile_only_ever_lowers_what_production_demands() -> None:
    order = ["disabled", "advisory", "mandatory"]
    for profile, levels in PROFILES.items():
        for rule in ALL:
            assert order.index(levels.get(rule.id, rule.level)) <= order.index(rule.level), (profile, rule.id)
