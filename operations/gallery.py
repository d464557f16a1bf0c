"""The table of stacks in the README, made from the stack files and their estimates."""

from __future__ import annotations

import os
import re

import cost
from plan import config as stack_config
from plan import offline
from sandbox.settings import REPOSITORY

README = REPOSITORY / "README.md"
BEGIN = "<!-- stacks: made by `python -m operations gallery` -->"
END = "<!-- /stacks -->"


def table() -> str:
    """One row a stack: what it is (the first sentence of its file), accelerators, kW at most, USD a month."""
    rows = ["| stack | what it is | accelerators | kW at most | USD a month |", "| --- | --- | ---: | ---: | ---: |"]
    for name in stack_config.stack_names(REPOSITORY):
        estimate = cost.estimate(offline.run(name))
        rows.append(f"| `{name}` | {purpose(name)} | {figures(estimate)} |")
    return "\n".join(rows)


def purpose(name: str) -> str:
    """The first sentence of the comment at the head of a stack file."""
    text = (REPOSITORY / "stacks" / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")
    head = [
        line.lstrip("# ") for line in text.splitlines() if line.startswith("#") and "yaml-language-server" not in line
    ]
    return re.split(r"(?<=[.:]) ", " ".join(head), maxsplit=1)[0].rstrip(".:")


def figures(estimate: cost.Estimate) -> str:
    """Accelerators, power and money; what is unknown or incomplete says so."""
    power = f"{estimate.power.max_kw:.1f}" if estimate.power.max_kw is not None else "unknown"
    money = f"{estimate.totals.monthly_usd.base:,.0f}" + (" and unpriced lines" if estimate.unpriced else "")
    return f"{estimate.power.accelerators} | {power} | {money}"


def renewed(text: str) -> str:
    """The README's text with a current table."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.DOTALL
    )


def write() -> None:
    """Put the current table into the README."""
    new = renewed(README.read_text(encoding="utf-8"))
    temporary = README.with_suffix(".new")
    temporary.write_text(new, encoding="utf-8")
    os.replace(temporary, README)
