"""Promises about the HTML report. What needs a browser runs where a Chromium is on PATH, and says so where not."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cost
from cost import usage
from cost.page import squarified
from tests.cost import browser
from tests.cost.plans import plan, resource

needs_browser = pytest.mark.skipif(
    browser.find() is None, reason="no Chromium on PATH (Debian: apt-get install chromium)"
)


def estimate() -> cost.Estimate:
    kinds = [("m7i.xlarge", "small"), ("p5.48xlarge", "large"), ("g6e.xlarge", "middle")]
    return cost.estimate(
        plan(
            *(resource("aws:ec2/instance:Instance", name, instanceType=kind) for kind, name in kinds),
            resource("aws:ec2/natGateway:NatGateway", "way"),
            resource("aws:made/up:Thing", "odd"),
        )
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "cost.html"
    path.write_text(cost.report.render(estimate(), "html"), encoding="utf-8")
    return path


def test_the_page_is_one_file_that_loads_nothing(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']|@import|url\(|fetch\(""", text)
    assert "default-src 'none'" in text


def test_the_page_begins_with_the_difference_names_its_colours_and_tells_warnings() -> None:
    before = cost.estimate(plan(resource("aws:ec2/natGateway:NatGateway", "way")))
    after = cost.estimate(
        plan(resource("aws:ec2/natGateway:NatGateway", "way"), resource("aws:kms/key:Key", "lock")),
        usage.parse({"resource_usage": {"way": {"rainfall_mm": 3}}}),
    )
    text = cost.report.render(after, "html", cost.compare(before, after), by="resource")
    assert text.index("Difference:") < text.index("By resource") < text.index("<h2>Lines")
    legend = re.search(r'<ul class="legend".*?</ul>', text, re.DOTALL)
    assert legend
    assert [name in legend[0] for name in ("way", "lock")] == [True, True]
    assert "rainfall_mm" in text


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=40))
def test_the_tree_map_fills_its_box_and_keeps_shares(shares: list[float]) -> None:
    shares.sort(reverse=True)
    whole = sum(shares)
    areas = [share / whole * 1000 * 360 for share in shares]
    boxes = squarified(areas, 0, 0, 1000, 360)
    assert len(boxes) == len(areas)
    for area, (x, y, width, height) in zip(areas, boxes, strict=True):
        assert math.isclose(width * height, area, rel_tol=1e-6, abs_tol=1e-6)
        assert -1e-6 <= x <= 1000 - width + 1e-3
        assert -1e-6 <= y <= 360 - height + 1e-3


@needs_browser
def test_sorting_folding_totals_and_narrow_screens_in_a_browser(report: Path, tmp_path: Path) -> None:
    wanted = json.loads(cost.report.render(estimate(), "json"))
    with browser.page() as page:
        page.open(report, 1280, 1200)
        assert [url for url in page.requests if not url.startswith("file://")] == []
        assert page.run("document.getElementById('monthly').dataset.value") == wanted["totals"]["monthly_usd"]["base"]
        shown = [
            Decimal(value)
            for value in page.run("[...document.querySelectorAll('td.amount')].map(c => c.dataset.value)")
        ]
        assert sum(shown) == Decimal(wanted["totals"]["monthly_usd"]["base"])
        _sorts(page)
        _folds(page)
        page.picture(tmp_path / "wide.png")
        page.open(report, 400, 900)
        assert page.run("document.documentElement.scrollWidth") <= 400
        page.picture(tmp_path / "narrow.png")
        changed = tmp_path / "changed.html"
        empty = cost.estimate(plan())
        changed.write_text(cost.report.render(estimate(), "html", cost.compare(empty, estimate())), encoding="utf-8")
        page.open(changed, 400, 900)
        assert page.run("document.documentElement.scrollWidth") <= 400
        narrowest = "Math.min(...[...document.querySelectorAll('.cards td:nth-child(3)')].map(c => c.offsetWidth))"
        assert page.run(narrowest) > 100, "text that stands in a column of single letters cannot be read"
    assert (tmp_path / "wide.png").stat().st_size > 10_000


def _sorts(page: Any) -> None:
    amounts = (
        "[...document.querySelectorAll('table.sortable')[0].querySelectorAll('td.amount')].map(c => +c.dataset.value)"
    )
    head = "document.querySelectorAll('table.sortable')[0].tHead.rows[0].cells[5].querySelector('button')"
    page.click(head)
    rising = page.run(amounts)
    assert rising == sorted(rising)
    page.run(f"{head}.focus()")
    page.press("Enter")  # the keyboard does what the mouse does
    assert page.run(amounts) == sorted(rising, reverse=True)
    assert page.run(f"{head}.closest('th').getAttribute('aria-sort')") == "descending"


def _folds(page: Any) -> None:
    page.click("document.querySelector('details summary')")
    assert page.run("document.querySelector('details').open") is False
    page.run("document.querySelector('details summary').focus()")
    page.press("Enter")
    assert page.run("document.querySelector('details').open") is True
