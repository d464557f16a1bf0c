"""An engine that is killed in the middle of `make up`: the next one goes on by itself and makes nothing twice."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.e2e import small
from tests.e2e.checkout import Checkout

SEED = 20261122
RESOURCES = 60
"""How many resources an `up` of the small stack reports as created, at least."""


def moments(count: int) -> list[int]:
    """After how many created resources the engine is killed; the same in every run."""
    return sorted(random.Random(SEED).sample(range(1, RESOURCES), count))


def kill(watched: small.Watched) -> None:
    """SIGKILL to the engine; its plugins and its language host have to end by themselves."""
    watched.engine().kill()
    assert watched.end() == 1
    assert "did not succeed (pulumi ended with exit code -9)" in watched.text


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with small.small_stack() as made:
        yield made


def test_after_three_killed_engines_make_up_ends_well_and_make_down_leaves_nothing(checkout: Checkout) -> None:
    """Each `up` goes on where the one before was killed, and is killed itself."""
    first, second, third = moments(3)
    for count in (first, second - first, third - second):
        watched = small.Watched(checkout)
        watched.until_created(count)
        kill(watched)
    side_files = list(checkout.settings.backend.rglob("*.attrs"))
    assert side_files == [], "one that is half written makes every later command end with `error: EOF`"
    said = small.goes_on(checkout)
    assert "a lock of a command that no longer runs" in said
    down = checkout.run("operations", "down", "--stack", small.NAME)
    assert down.returncode == 0, down.stdout + down.stderr
    assert "nothing is left" in down.stdout
    assert checkout.processes() == []
    assert small.strays(checkout) == {}


@pytest.mark.soak
@pytest.mark.parametrize("count", moments(20))
def test_an_engine_killed_at_any_moment_is_recovered_from(checkout: Checkout, count: int) -> None:
    watched = small.Watched(checkout)
    watched.until_created(count)
    kill(watched)
    assert small.strays(checkout) == {}
    small.goes_on(checkout)
