"""Terraform's names of resource types, for usage files that were written for it."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("terraform_types.csv")


@cache
def terraform_types() -> dict[str, str]:
    """The names of the types that have a rate, by token."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["token"]: row["terraform_type"] for row in csv.DictReader(file)}


@cache
def terraform_type(token: str) -> str:
    """The name of a type: from the table, else as far as it can be told from the token."""
    if token in terraform_types():
        return terraform_types()[token]
    package, _, rest = token.partition(":")
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", rest.rsplit(":", 1)[-1]).lower()
    return f"{'google' if package == 'gcp' else package}_{name}"
