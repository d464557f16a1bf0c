"""`python -m training.flops --table FILE.csv`: our operations per token beside those of a table."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from training.errors import guarded, out
from training.flops import Accounting, compare

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    table: Annotated[Path, typer.Option("--table", help="CSV with model, seq_len and flops_per_token_median.")],
    accounting: Annotated[Accounting, typer.Option(help="How attention is counted.")] = Accounting.CAUSAL,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Our operations per token beside those of a table."""
    rows = compare(table, accounting)
    if as_json:
        lines = [{**vars(row), "difference": row.difference} for row in rows]
        document = {"schema_version": 1, "accounting": accounting, "rows": lines}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, title=f"FLOPs per token of training, {accounting} attention")
    for column, justify in (("model", "left"), ("tokens", "right"), ("table", "right"), ("ours", "right"),
                            ("difference", "right"), ("note", "left")):  # fmt: skip
        shown.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        ours = "cannot tell" if row.ours is None else f"{row.ours:.4g}"
        difference = "" if row.difference is None else f"{row.difference:+.1%}"
        shown.add_row(row.model, str(row.sequence_length), f"{row.theirs:.4g}", ours, difference, row.note)
    out().print(shown)


if __name__ == "__main__":
    guarded(app, "python -m training.flops")()
