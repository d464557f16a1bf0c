"""A damaged or missing table is one clear message with file, line and column; never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import CatalogError, crossref, efa_plans, instances, package, prices, schema


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(name: str) -> list[str]:
    return list(schema.table_problems(package.table_info(name)))


def test_a_price_that_is_no_number_names_file_line_and_column(data: Path) -> None:
    replace(data / "aws_instance_prices.csv", "dl1.24xlarge,us-east-1,13.10904", "dl1.24xlarge,us-east-1,a lot")
    with pytest.raises(CatalogError, match=r"aws_instance_prices\.csv line 2: on_demand_usd_h is 'a lot'"):
        prices.on_demand("dl1.24xlarge", "us-east-1")


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity"])
def test_money_is_finite_and_not_negative(data: Path, amount: str) -> None:
    replace(data / "aws_instance_prices.csv", "us-east-1,13.10904", f"us-east-1,{amount}")
    with pytest.raises(CatalogError, match="amount of money"):
        prices.on_demand("dl1.24xlarge", "us-east-1")


def test_a_missing_table_says_which_file_to_restore(data: Path) -> None:
    (data / "aws_instance_specs.csv").unlink()
    with pytest.raises(CatalogError, match=r"aws_instance_specs\.csv cannot be read"):
        instances.get("p5.48xlarge")


def test_a_row_with_a_cell_too_few_is_refused(data: Path) -> None:
    replace(data / "aws_efa_nic_plans.csv", "dl2q.24xlarge,lean,0,0,interface,y,primary ENA", "dl2q.24xlarge,lean,0")
    with pytest.raises(CatalogError, match="3 cells, the header has 7"):
        efa_plans.get("dl2q.24xlarge")


def test_a_description_that_is_no_json_says_which_file_to_restore(data: Path) -> None:
    (data / "datapackage.json").write_text("{", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"datapackage\.json cannot be read"):
        package.tables()


def test_check_finds_an_unknown_value_of_an_enumeration(data: Path) -> None:
    replace(data / "aws_efa_nic_plans.csv", ",0,0,interface,y,", ",0,0,efa,y,")
    assert any(
        "interface_type is 'efa'; it must be one of interface, efa-only" in each
        for each in problems("aws_efa_nic_plans")
    )


def test_check_finds_an_empty_required_cell(data: Path) -> None:
    replace(data / "region_carbon.csv", "aws,af-south-1,702.03", "aws,af-south-1,")
    assert any("g_co2e_per_kwh is empty" in each for each in problems("region_carbon"))


def test_check_finds_a_negative_measure(data: Path) -> None:
    replace(data / "instance_power.csv", "a1.2xlarge,9.5", "a1.2xlarge,-9.5")
    assert any("idle_w is '-9.5'; it must be at least 0" in each for each in problems("instance_power"))


def test_check_finds_a_date_that_is_not_iso(data: Path) -> None:
    replace(data / "gcp_tpu_prices.csv", "2026-05-20", "20 May 2026")
    assert any("date is '20 May 2026'" in each for each in problems("gcp_tpu_prices"))


def test_check_finds_two_rows_with_one_key(data: Path) -> None:
    path = data / "provider_pue.csv"
    path.write_text(path.read_text(encoding="utf-8") + "aws,1.2,again,2024,C4\n", encoding="utf-8")
    assert any("2 rows with the key aws" in each for each in problems("provider_pue"))


def test_check_finds_a_source_that_is_not_listed(data: Path) -> None:
    replace(data / "region_carbon.csv", ",C1,", ",Z9,")
    assert any("source_id is 'Z9'" in each for each in problems("region_carbon"))


def test_check_finds_a_table_without_a_description(data: Path) -> None:
    (data / "rumours.csv").write_text("a\n1\n", encoding="utf-8")
    assert any("rumours.csv: not described" in each for each in schema.problems())


def test_check_finds_a_column_that_is_not_described(data: Path) -> None:
    replace(data / "provider_pue.csv", "provider,pue,scope", "provider,PUE,scope")
    assert any("described are provider, pue" in each for each in problems("provider_pue"))


def test_a_new_gap_must_be_listed(data: Path) -> None:
    path = data / "known_gaps.csv"
    kept = [
        line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("trn1.32xlarge,power")
    ]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert any("trn1.32xlarge: no power. Add the fact, or list the gap" in each for each in crossref.problems())


def test_a_gap_that_was_filled_must_leave_the_list(data: Path) -> None:
    path = data / "known_gaps.csv"
    path.write_text(path.read_text(encoding="utf-8") + "p5.48xlarge,price,forgotten\n", encoding="utf-8")
    assert any("p5.48xlarge: known_gaps.csv says it has no price, but it has" in each for each in crossref.problems())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("p5.48xlarge,lean,0,0,interface,y,", "p5.48xlarge,lean,0,0,efa-only,n,", "must be an ENA"),
        ("p5.48xlarge,lean,2,0,efa-only,n,", "p5.48xlarge,lean,1,1,efa-only,n,", "more than one EFA on a network card"),
        ("p6-b300.48xlarge,lean,1,0,efa-only,n,", "p6-b300.48xlarge,lean,0,1,efa-only,n,", "card 0, which is ENA only"),
        ("p5en.48xlarge,lean,15,0,efa-only,n,", "p5en.48xlarge,lean,16,0,efa-only,n,", "uses card 16"),
        ("p5.48xlarge,lean,2,0,efa-only,n,", "p5.48xlarge,lean,2,0,efa-only,y,", "EFA-only interface none"),
    ],
)
def test_an_interface_plan_that_ec2_would_refuse_is_found(data: Path, old: str, new: str, message: str) -> None:
    replace(data / "aws_efa_nic_plans.csv", old, new)
    assert any(message in each for each in crossref.problems())
