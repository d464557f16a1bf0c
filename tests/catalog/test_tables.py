"""Every row of every table parses, and the tables agree with each other."""

from __future__ import annotations

import json
import re

import pytest

from catalog import crossref, describe, package, schema
from catalog.source import sources
from catalog.table import DATA, rows

TABLES = sorted(package.tables())


@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_a_table_has_the_described_types_and_units(name: str) -> None:
    assert list(schema.table_problems(package.table_info(name))) == []


def test_every_file_is_described_and_every_description_has_its_file() -> None:
    assert {path.stem for path in DATA.glob("*.csv")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_dated_and_says_where_it_comes_from(name: str) -> None:
    table = package.table_info(name)
    assert re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", table.date)
    columns = {field["name"] for field in table.fields}
    named_in_rows = {"source", "source_id", "repository", "reason"} & columns
    assert table.source_ids or named_in_rows, f"{name} does not say where its facts come from"
    assert all(source in sources for source in table.source_ids)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_holds(name: str) -> None:
    for field in package.table_info(name).fields:
        assert field["description"]
        assert field["type"] in {"string", "integer", "number"}


@pytest.mark.parametrize("name", TABLES)
def test_money_and_measures_carry_a_unit(name: str) -> None:
    measured = re.compile(r"usd|_gib|_gb(?!ps)|_gbps|_mbps|_kw$|_w$|tflops|_pct|pue$")
    dimensionless = re.compile(r"pue$")
    for field in package.table_info(name).fields:
        if field["type"] != "string" and measured.search(field["name"]) and not dimensionless.search(field["name"]):
            assert field.get("unit"), f"{name}.{field['name']} has no unit"


def test_the_tables_do_not_contradict_each_other_and_every_gap_is_listed() -> None:
    assert list(crossref.problems()) == []


def test_the_readme_says_what_the_tables_hold() -> None:
    assert describe.current(), "run `python -m catalog describe --write`"


def test_the_readme_names_the_licences_that_ask_for_it() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for needed in ("Epoch AI", "CC BY 4.0", "Green Software", "Electricity Maps", "Cloud Carbon Footprint"):
        assert needed in text


def test_every_source_id_is_used() -> None:
    used = {source for table in package.tables().values() for source in table.source_ids}
    for table in package.tables().values():
        for field in table.fields:
            if field["name"].endswith("source_id") or field["name"] == "source":
                used |= {row.values[field["name"]] for row in rows(table.name)}
    assert set(sources) <= used


def test_the_description_is_a_data_package() -> None:
    document = json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))
    assert document["profile"] == "tabular-data-package"
    for resource in document["resources"]:
        assert resource["path"] == f"{resource['name']}.csv"
