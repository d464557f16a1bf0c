"""What the gaps keep in memory, apart for every account and region.

A store is a dataclass with defaults; the first look-up of a store in a region makes it. moto keeps its own state in its
backends; `forget` empties both (`POST /moto-api/reset` does so).
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")

_STORES: dict[tuple[type, str, str], Any] = {}


def store(kind: type[T], account: str, region: str) -> T:
    """The store of a kind in one account and region."""
    key = (kind, account, region)
    if key not in _STORES:
        _STORES[key] = kind()
    return cast(T, _STORES[key])


def stores(kind: type[T]) -> dict[tuple[str, str], T]:
    """All stores of a kind by (account, region)."""
    return {(account, region): cast(T, value) for (which, account, region), value in _STORES.items() if which is kind}


def forget() -> None:
    """Empty everything that the gaps keep."""
    _STORES.clear()
