"""Which function prices which resource type. Adding a type is one decorated function in a module of `cost.rates`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cost.subject import Found, Subject

FREE = Path(__file__).with_name("free_types.txt")
GRANT = re.compile(r"(?:Iam|IAM)(?:Member|Binding|Policy|AuditConfig)$")
Rate = Callable[["Subject"], "Iterable[Found]"]

_RATES: dict[str, Rate] = {}


def rate(*types: str) -> Callable[[Rate], Rate]:
    """Register a function for these type tokens."""

    def register(function: Rate) -> Rate:
        for token in types:
            if token in _RATES:
                raise ValueError(f"{token} has a rate already")
            _RATES[token] = function
        return function

    return register


@cache
def _load() -> None:
    import cost.rates

    for module in pkgutil.iter_modules(cost.rates.__path__):
        importlib.import_module(f"cost.rates.{module.name}")


def find(token: str) -> Rate | None:
    """The function that prices a type, or None."""
    _load()
    return _RATES.get(token)


@cache
def free_types() -> frozenset[str]:
    """Types known to cost nothing by themselves, from `free_types.txt`."""
    text = FREE.read_text(encoding="utf-8")
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def is_free(token: str) -> bool:
    """Whether a type is known to cost nothing. Google grants rights free of charge, whatever on."""
    return token in free_types() or (token.startswith("gcp:") and GRANT.search(token) is not None)


def types() -> list[str]:
    """Every type with a rate."""
    _load()
    return sorted(_RATES)
