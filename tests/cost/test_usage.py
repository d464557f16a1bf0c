"""Promises about usage files."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import cost
from cost import registry, usage
from cost.terraform import terraform_types
from terminal import InvalidInput
from tests.cost.plans import plan, resource

BUCKET = "aws:s3/bucket:Bucket"


def stored(document: object) -> Decimal:
    wanted = plan(resource(BUCKET, "data-a"), resource(BUCKET, "data-b"))
    return cost.estimate(wanted, usage.parse(document)).totals.monthly_usd.base


def test_names_may_be_exact_patterns_or_the_end_of_type_and_name() -> None:
    for name in ("data-a", "aws_s3_bucket.data-a", "module.store.aws_s3_bucket.data-a"):
        assert stored({"resource_usage": {name: {"standard": {"storage_gb": 100}}}}) == Decimal("2.3")
    assert stored({"resource_usage": {"data-*": {"standard": {"storage_gb": 100}}}}) == Decimal("4.6")
    both = {"data-*": {"standard": {"storage_gb": 100}}, "data-a": {"standard": {"storage_gb": 1000}}}
    assert stored({"resource_usage": both}) == Decimal("25.3")


def test_usage_by_type_takes_the_token_or_terraforms_name() -> None:
    for name in (BUCKET, "aws_s3_bucket"):
        assert stored({"resource_type_default_usage": {name: {"standard_storage_gb": 100}}}) == Decimal("4.6")


def test_a_bare_type_among_the_names_is_a_default_that_a_name_goes_before() -> None:
    document = {"resource_usage": {"aws_s3_bucket": {"standard_storage_gb": 100}, "data-a": {"standard_storage_gb": 0}}}
    assert stored(document) == Decimal("2.3")


def test_usage_of_a_type_does_not_reach_a_type_of_the_same_class_name() -> None:
    """EC2 and RDS both have a class Instance."""
    document = {"resource_type_default_usage": {"aws_instance": {"monthly_hrs": 1}}}
    machine = resource("aws:ec2/instance:Instance", "machine", instanceType="m5.large")
    database = resource("aws:rds/instance:Instance", "database", engine="postgres", instanceClass="db.t3.large")
    lines = cost.estimate(plan(machine, database), usage.parse(document)).lines
    assert {line.resource: line.quantity.base for line in lines if line.unit == "hours"} == {
        "machine": 1,
        "database": 730,
    }


def test_terraforms_names_are_those_of_types_with_a_rate() -> None:
    assert set(terraform_types()) <= set(registry.types())


def test_a_value_may_be_a_range() -> None:
    document = {"resource_usage": {"data-a": {"standard": {"storage_gb": {"low": 0, "base": 100, "high": 1000}}}}}
    totals = cost.estimate(plan(resource(BUCKET, "data-a")), usage.parse(document)).totals.monthly_usd
    assert totals == (0, Decimal("2.3"), 23)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"resource_usage": {"nobody": {"storage_gb": 1}}}, "no resource of the plan has this name"),
        ({"resource_usage": {"data-a": {"standard": {"storage_gb": -1}}}}, "not negative"),
        ({"resource_usage": {"data-a": {"standard": {"storage_gb": "many"}}}}, "must be a number"),
        ({"resource_usage": {"data-a": {"standard": {"storag_gb": 1}}}}, "did you mean standard.storage_gb?"),
        ({"resource_usage": {"data-a": 5}}, "must be a mapping of usage keys"),
        ({"usages": {}}, "is not read"),
        ([], "a mapping with resource_usage is expected"),
    ],
)
def test_a_mistake_in_a_usage_file_is_one_clear_message(document: object, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        stored(document)
    assert words in str(caught.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "usage.yaml"
    broken.write_text("resource_usage: [", encoding="utf-8")
    for path in (broken, tmp_path / "none.yaml"):
        with pytest.raises(InvalidInput, match=path.name):
            usage.read(path)


def test_keys_that_change_nothing_are_told() -> None:
    document = {"resource_usage": {"data-a": {"rainfall_mm": 3}}}
    found = cost.estimate(plan(resource(BUCKET, "data-a")), usage.parse(document))
    assert found.warnings == ("data-a: usage keys that do not change its price: rainfall_mm",)


def test_assumptions_apply_only_when_asked_for_and_are_marked() -> None:
    wanted = plan(resource(BUCKET, "data-a"))
    assert not cost.estimate(wanted, usage.Usage()).lines
    assumed = cost.estimate(wanted, usage.Usage(assume=True))
    assert all(line.usage_based for line in assumed.lines)
    assert assumed.totals.monthly_usd.low < assumed.totals.monthly_usd.base < assumed.totals.monthly_usd.high


def test_names_of_a_stacks_own_file_may_be_missing_from_what_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    named = usage.parse({"resource_usage": {"tomorrow": {"storage_gb": 1}}})
    monkeypatch.setattr(usage, "of_stack", lambda _stack: named)
    found = cost.estimate(replace(plan(resource(BUCKET, "data-a")), project="ai-datacenter"))
    assert "tomorrow" in found.warnings[0]


def test_every_assumption_is_for_a_type_with_a_rate() -> None:
    from cost import registry

    assert set(usage.defaults()) <= set(registry.types())
    for keys in usage.defaults().values():
        assert all(amount.low <= amount.base <= amount.high for amount in keys.values())


def test_names_that_other_tools_use_are_understood_and_infracosts_wins() -> None:
    wanted = plan(resource("aws:ecr/repository:Repository", "images"))

    def monthly(used: dict[str, int]) -> Decimal:
        return cost.estimate(wanted, usage.parse({"resource_usage": {"images": used}})).totals.monthly_usd.base

    assert monthly({"monthly_storage_gb": 10}) == 1
    assert monthly({"monthly_storage_gb": 10, "storage_gb": 20}) == 2
