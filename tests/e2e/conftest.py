"""A deployed local stack, shared by the tests that only look or that put back what they change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.checkout import Checkout


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@dataclass
class Deployed:
    """A checkout whose local stack is up, and what `make up` printed."""

    checkout: Checkout
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    checkout = Checkout.fresh()
    try:
        done = checkout.make("up")
        yield Deployed(checkout, done.returncode, done.stdout, done.stderr)
    finally:
        checkout.remove()


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    """A copy of the checkout of one's own; nothing runs in it yet."""
    made = Checkout.fresh()
    try:
        yield made
    finally:
        made.remove()
