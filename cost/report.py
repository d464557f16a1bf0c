"""Every way to show an estimate. `show` prints a table; `render` makes a text in another format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cost import document
from cost.difference import Difference
from cost.model import Estimate
from terminal import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

FORMATS = ("table", "json", "markdown", "html", "csv")


def show(console: Console, estimate: Estimate, difference: Difference | None = None) -> None:
    """Print the estimate as tables."""
    from cost import table

    table.show(console, estimate, difference)


def render(
    estimate: Estimate,
    format: str,  # noqa: A002
    difference: Difference | None = None,
    *,
    by: str = "component",
) -> str:
    """The estimate as json, markdown, csv or html; lines grouped by what `by` says, which JSON leaves to its reader."""
    if format == "json":
        return json.dumps(document.of(estimate, difference), indent=2) + "\n"
    if format == "csv":
        from cost import sheet

        return sheet.render(estimate, by=by)
    if format == "markdown":
        from cost import markdown

        return markdown.render(estimate, difference, by=by)
    if format == "html":
        from cost import page

        return page.render(estimate, difference, by=by)
    raise InvalidInput(f"format {format}: not one of {', '.join(FORMATS)}")
