"""`python -m catalog` as a user meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalog import instances
from catalog.__main__ import app

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_show_prints_what_is_known_with_sources_and_dates(run: Run) -> None:
    result = run("show", "p5en.48xlarge", "--region", "us-east-1")
    assert result.exit_code == 0
    for expected in (
        "NVIDIA H200 SXM",
        "plan lean: 16 EFA",
        "63.296",
        "2026-07-20",
        "karpenter-provider-aws",
        "DGX H200",
    ):
        assert expected in result.stdout
    assert "ap-northeast-1" not in result.stdout
    assert "\x1b" not in result.stdout


def test_show_as_json_is_versioned_and_has_money_as_text(run: Run) -> None:
    document = json.loads(run("show", "p5en.48xlarge", "--format", "json").stdout)
    assert document["schema_version"] == 1
    assert document["facts"]["efa"]["interfaces"] == document["efa_plans"]["lean"]["efa"] == 16
    listed = next(
        each for each in document["prices"] if (each["location"], each["purchase"]) == ("us-east-1", "on-demand")
    )
    assert listed["usd"] == "63.296"
    assert document["power"]["max_w"] == 10200


@pytest.mark.parametrize("name", [name for name, instance in instances.items() if instance.accelerator])
def test_show_works_for_every_accelerator_type(run: Run, name: str) -> None:
    assert run("show", name).exit_code == 0
    assert json.loads(run("show", name, "-f", "json").stdout)["name"] == name


@pytest.mark.parametrize(("name", "kind"), [("u-p6e-gb200x72", "ultraserver"), ("ct6e-standard-4t", "tpu"),
                                            ("m7i.large", "instance")])  # fmt: skip
def test_show_knows_ultraservers_tpus_and_plain_machines(run: Run, name: str, kind: str) -> None:
    assert json.loads(run("show", name, "-f", "json").stdout)["kind"] == kind
    assert name in run("show", name).stdout


def test_show_of_an_unknown_type_is_one_line_with_near_matches_and_exit_code_2(run: Run) -> None:
    result = run("show", "p5en.48xlrge")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "near: p5en.48xlarge" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_unknown_is_shown_as_unknown(run: Run) -> None:
    text = run("show", "trn2u.48xlarge").stdout
    assert "prices: unknown" in text
    assert "power of a node: unknown" in text
    assert "not known yet" in text


def test_list_filters_by_accelerator_and_efa(run: Run) -> None:
    found = json.loads(run("list", "--accelerator", "h200", "--efa", "-f", "json").stdout)
    assert [each["name"] for each in found["types"]] == ["p5e.48xlarge", "p5en.48xlarge"]
    without = json.loads(run("list", "--accelerator", "l4", "--no-efa", "-f", "json").stdout)
    assert {each["efa_interfaces"] for each in without["types"]} == {0}


def test_list_shows_the_price_of_the_region_or_unknown(run: Run) -> None:
    result = run("list", "--accelerator", "trainium", "--region", "us-west-2")
    assert "on demand in us-west-2" in result.stdout
    assert "unknown" in result.stdout


def test_list_without_a_match_says_so_on_stderr(run: Run) -> None:
    result = run("list", "--accelerator", "abacus", "-f", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["types"] == []
    assert "No type fits" in result.stderr


def test_check_passes_on_the_committed_tables(run: Run) -> None:
    result = run("check", "--format", "json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["schema_version"], document["problems"]) == (1, [])
    assert {"aws_instance_prices", "releases", "limits"} <= {each["name"] for each in document["tables"]}
    assert "0 problems" in run("check").stdout


def test_check_names_every_problem_at_once_and_fails(run: Run, data: Path) -> None:
    path = data / "region_carbon.csv"
    text = path.read_text(encoding="utf-8").replace("aws,af-south-1,702.03", "aws,af-south-1,much")
    path.write_text(text.replace("aws,ap-east-1,435.36", "aws,ap-east-1,more"), encoding="utf-8")
    result = run("check", "--format", "json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["problems"]) == 2
    assert "'much'" in result.stderr and "'more'" in result.stderr


def test_a_damaged_table_is_one_message_and_exit_code_2(run: Run, data: Path) -> None:
    (data / "aws_accelerator_instances.csv").write_bytes(b"instance_type\n\xff\n")
    result = run("list")
    assert result.exit_code == 2
    assert "aws_accelerator_instances.csv cannot be read" in result.stderr


def test_check_of_a_missing_file_names_it(run: Run, data: Path) -> None:
    (data / "limits.csv").unlink()
    result = run("check")
    assert result.exit_code == 1
    assert "limits.csv: described in datapackage.json but missing" in result.stderr


def test_describe_writes_the_section_of_the_readme(run: Run, data: Path) -> None:
    readme = data / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("### limits", "### borders"), encoding="utf-8")
    assert run("check").exit_code == 1
    assert run("describe", "--write").exit_code == 0
    assert run("check").exit_code == 0
    assert "### limits" in run("describe").stdout
