"""Which function prices which resource type. Adding a type is one decorated function in a module of `cost.rates`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cost.subject import Found, Subject

Rate = Callable[["Subject"], "Iterable[Found]"]

_RATES: dict[str, Rate] = {}
_FREE: set[str] = set()


def rate(*types: str) -> Callable[[Rate], Rate]:
    """Register a function for these type tokens."""

    def register(function: Rate) -> Rate:
        for token in types:
            if token in _RATES or token in _FREE:
                raise ValueError(f"{token} has a rate already")
            _RATES[token] = function
        return function

    return register


def free(*types: str) -> None:
    """Register types that cost nothing by themselves."""
    doubled = _RATES.keys() & set(types)
    if doubled:
        raise ValueError(f"{', '.join(sorted(doubled))}: priced and free")
    _FREE.update(types)


@cache
def _load() -> None:
    import cost.rates

    for module in pkgutil.iter_modules(cost.rates.__path__):
        importlib.import_module(f"cost.rates.{module.name}")


def find(token: str) -> Rate | None:
    """The function that prices a type, or None."""
    _load()
    return _RATES.get(token)


def is_free(token: str) -> bool:
    """Whether a type is known to cost nothing."""
    _load()
    return token in _FREE


def types() -> list[str]:
    """Every type with a rate."""
    _load()
    return sorted(_RATES)


def free_types() -> list[str]:
    """Every type known to cost nothing."""
    _load()
    return sorted(_FREE)
