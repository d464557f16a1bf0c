"""Promises about `python -m cost`: results on stdout, one message a mistake, exit codes."""

from __future__ import annotations

import csv
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cost.__main__ import main
from tests.cost.plans import preview, resource

APP = typer.Typer()
APP.command()(main)
NAT = resource("aws:ec2/natGateway:NatGateway", "way")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def call(document: Any, *arguments: str) -> Any:
        path = tmp_path / "plan.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return CliRunner().invoke(APP, ["--plan", str(path), *arguments])

    return call


def test_json_holds_what_other_programs_read(run: Any) -> None:
    result = run(preview(NAT), "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["schema_version"] == 1
    line = found["lines"][0]
    assert line["resource"] == "way"
    for key in ("quantity", "unit_price", "monthly_usd"):
        assert isinstance(line[key], str)
    assert Decimal(line["quantity"]) * Decimal(line["unit_price"]) == Decimal(line["monthly_usd"])
    assert found["totals"] == {
        "hourly_usd": "0.045",
        "monthly_usd": {"low": "32.85", "base": "32.85", "high": "32.85"},
        "upfront_usd": "0",
    }
    assert found["unpriced"][0]["reason"].startswith("depends on usage")


def test_json_follows_its_published_schema(run: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(__file__).parents[2] / "docs" / "cost.schema.json").read_text(encoding="utf-8"))
    machine = resource("aws:ec2/instance:Instance", "m", instanceType="p5.48xlarge")
    document = json.loads(run(preview(NAT, machine, resource("aws:made/up:T", "t")), "--format", "json").stdout)
    jsonschema.validate(document, schema)


def test_a_plan_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(preview(NAT))))
    result = CliRunner().invoke(APP, ["--plan", "-", "--format", "csv"], input=json.dumps(preview(NAT)))
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows[0]["monthly_usd"] == "32.85"
    assert rows[1]["unpriced"].startswith("usage:")


@pytest.mark.parametrize("kind", ["table", "markdown", "html"])
def test_every_format_tells_the_total_and_what_is_not_priced(run: Any, kind: str) -> None:
    result = run(preview(NAT, resource("aws:made/up:Thing", "odd")), "--format", kind)
    assert result.exit_code == 0
    assert "32.85" in result.stdout
    assert "no rate for the type" in " ".join(result.stdout.split())


@pytest.mark.parametrize("kind", ["table", "markdown", "html", "json"])
def test_every_format_tells_what_power_and_emissions_rest_on(
    run: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    machine = resource("aws:ec2/instance:Instance", "m", instanceType="p4d.24xlarge")
    text = " ".join(run(preview(machine), "--format", kind).stdout.split()).lower()
    for word in ("pue", "1.15", "us-east-1", "2024", "location", "embodied", "typical", "annual average"):
        assert word in text, word


@pytest.mark.parametrize("kind", ["table", "markdown", "html", "csv"])
def test_every_format_groups_as_it_is_told(run: Any, kind: str) -> None:
    gateways = [
        resource("aws:ec2/natGateway:NatGateway", name, tags={"team": team})
        for name, team in (("a", "red-team"), ("b", "blue-team"), ("c", "red-team"))
    ]
    assert "red-team" in run(preview(*gateways), "--format", kind, "--by", "tag:team").stdout
    if kind != "csv":  # which has the tags in a column of their own anyway
        assert "red-team" not in run(preview(*gateways), "--format", kind).stdout


def test_a_sheet_has_region_tags_discount_and_group(run: Any) -> None:
    tagged = resource("aws:ec2/natGateway:NatGateway", "way", tags={"team": "red"})
    text = run(
        preview(tagged, **{"ai-datacenter__discounts": '{"contract": 10}'}), "--format", "csv", "--by", "tag:team"
    )
    row = next(csv.DictReader(io.StringIO(text.stdout)))
    assert (row["region"], row["tags"], row["discount"], row["group"]) == (
        "us-east-1", "team=red", "10 % off (contract)", "red",
    )  # fmt: skip


def test_names_from_a_plan_cannot_break_out_of_a_report(run: Any) -> None:
    nasty = resource("aws:ec2/natGateway:NatGateway", "<script>x</script>|[red]=1")
    assert "<script>x" not in run(preview(nasty), "--format", "html").stdout
    assert "<script>x" not in run(preview(nasty), "--format", "markdown").stdout
    assert "[red]" in run(preview(nasty)).stdout.replace("\n", "")
    formula = resource("aws:ec2/natGateway:NatGateway", "=1+1")
    assert "\n'=1+1," in run(preview(formula), "--format", "csv").stdout


def budget(text: str) -> Any:
    return preview(NAT, **{"ai-datacenter__budget": text})


def discounts(text: str) -> Any:
    return preview(NAT, **{"ai-datacenter__discounts": text})


BAD: list[tuple[str, Any, tuple[str, ...], str]] = [
    ("broken JSON", "{", (), "not JSON"),
    ("another shape", {"a": 1}, (), "neither `steps`"),
    ("a failed preview", {"steps": [], "diagnostics": [{"severity": "error", "message": "no"}]}, (), "preview failed"),
    ("a negative quantity", preview(resource("aws:ebs/volume:Volume", "v", size=-5)), (), "must not be negative"),
    ("a number beyond all", preview(resource("aws:ebs/volume:Volume", "v", size=1e308)), (), "no quantity is above"),
    ("no number", preview(resource("aws:ebs/volume:Volume", "v", size="big")), (), "must be a number"),
    ("an unknown region", preview(NAT, aws__region="mars-1"), (), "region mars-1: no such region of aws"),
    ("a region that is nearly one", preview(NAT, aws__region="eu-wst-3"), (), "did you mean eu-west-3?"),
    ("a token speed without a pool", preview(NAT), ("--tokens-per-second", "5"), "name a pool with accelerators"),
    ("no training result", preview(NAT), ("--training", "none.json"), "cannot be read"),
    ("a limit that does not exist", budget('{"monthly-us": 1}'), (), "did you mean monthly-usd?"),
    ("a limit that is no number", budget('{"monthly-usd": "nan"}'), (), "is not a number of 0 or more"),
    ("a limit that is a truth value", budget('{"monthly-usd": true}'), (), "is not a number of 0 or more"),
    ("a negative limit", budget('{"power-kw": -1}'), (), "is not a number of 0 or more"),
    ("broken limits", budget('{"monthly-usd": 1'), (), "`ai-datacenter:budget`: not valid JSON"),
    ("a list of limits", budget("[1]"), (), "a mapping is expected"),
    ("a discount above everything", discounts('{"contract": 150}'), (), "from 0 to 100"),
    ("a negative discount", discounts('{"contract": -50}'), (), "from 0 to 100"),
    ("a discount that is no number", discounts('{"contract": "abc"}'), (), "from 0 to 100"),
    ("a discount on nothing", discounts('{"contrct": 5}'), (), "did you mean contract?"),
    ("an unknown format", preview(NAT), ("--format", "pdf"), "not one of table"),
    ("an unknown grouping", preview(NAT), ("--by", "mood"), "not one of component"),
    ("nothing to explain", preview(NAT), ("--explain", "zzz"), "no line of this name"),
    ("two plans", preview(NAT), ("--stack", "local"), "give one of"),
    ("--set without a stack", preview(NAT), ("--set", "a.b=1"), "needs --stack"),
    ("no usage file", preview(NAT), ("--usage", "none.yaml"), "cannot be read"),
    ("no baseline", preview(NAT), ("--baseline", "none.json"), "cannot be read"),
]


@pytest.mark.parametrize(
    ("document", "arguments", "words"), [entry[1:] for entry in BAD], ids=[entry[0] for entry in BAD]
)
def test_bad_input_is_one_clear_message_and_exit_code_2(run: Any, document: Any, arguments: Any, words: str) -> None:
    result = run(document, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_a_usage_name_that_matches_nothing_is_refused(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "usage.yaml"
    path.write_text("resource_usage: {gone: {monthly_data_processed_gb: 1}}", encoding="utf-8")
    result = run(preview(NAT), "--usage", str(path))
    assert result.exit_code == 2
    assert "gone" in result.stderr


def test_strict_ends_with_3_for_what_has_no_price_and_for_what_is_missing(run: Any) -> None:
    assert run(preview(NAT), "--strict").exit_code == 0
    assert run(preview(resource("aws:made/up:Thing", "odd")), "--strict").exit_code == 3
    partial = preview(NAT) | {"changeSummary": {"same": 4, "create": 1}}
    assert run(partial).exit_code == 0
    result = run(partial, "--strict")
    assert result.exit_code == 3
    assert "incomplete" in result.stderr


def test_a_broken_budget_ends_with_3_after_the_report(run: Any) -> None:
    result = run(preview(NAT, **{"ai-datacenter__budget": '{"monthly-usd": 1}'}), "--format", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["lines"]
    assert "budget.monthly-usd" in result.stderr


def test_a_corrupt_catalog_row_is_one_clear_message(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from catalog import prices, table
    from cost.subject import aws_price

    for name in table.DATA.iterdir():
        (tmp_path / name.name).symlink_to(name)
    (tmp_path / "aws_service_prices.csv").unlink()
    text = (table.DATA / "aws_service_prices.csv").read_text(encoding="utf-8")
    (tmp_path / "aws_service_prices.csv").write_text(text.replace(",0.045,", ",cheap,"), encoding="utf-8")
    monkeypatch.setattr(table, "DATA", tmp_path)
    prices._service_rows.cache_clear()
    aws_price.cache_clear()
    try:
        result = run(preview(NAT))
    finally:
        prices._service_rows.cache_clear()
    assert result.exit_code == 2
    assert "usd is 'cheap'" in " ".join(result.stderr.split())
