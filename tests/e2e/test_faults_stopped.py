"""`make up` that its user stops, and two commands at once: what each says, and that the next one goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e import small
from tests.e2e.checkout import Checkout, lines

STEP = 5
"""How many resources more are made before the next thing happens."""


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """One stack for all tests of this module: each takes it a step further, the last one finishes it."""
    with small.small_stack() as made:
        yield made


def test_a_second_command_stops_with_one_line_and_ctrl_c_ends_the_first_in_order(checkout: Checkout) -> None:
    first = small.Watched(checkout)
    first.until_created(STEP)
    engine = first.engine()
    engine.suspend()  # or it could be done before the others have looked
    for command in ("up", "down"):
        second = checkout.run("operations", command, "--stack", small.NAME)
        assert second.returncode == 1, second.stdout + second.stderr
        (line,) = (second.stdout + second.stderr).splitlines()
        assert line.startswith(f"error: stack {small.NAME}: `make up` (pid {first.process.pid}, since ")
        assert line.endswith(" is at work on it; wait for it to end")
    assert first.process.poll() is None, "the first is not disturbed"
    engine.resume()
    first.interrupt()
    assert first.end() == 130, first.text
    assert lines(first.text, "error: ")[-1] == (
        "error: pulumi up was interrupted and has ended in order; the same command goes on"
    )
    assert small.strays(checkout) == {}


def test_sigterm_ends_the_engine_too(checkout: Checkout) -> None:
    watched = small.Watched(checkout)
    watched.until_created(STEP)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.end() == 130, watched.text
    assert small.strays(checkout) == {}


def test_an_engine_that_outlives_its_killed_command_is_ended_and_make_up_goes_on(checkout: Checkout) -> None:
    watched = small.Watched(checkout)
    watched.until_created(STEP)
    engine = watched.engine()
    watched.process.kill()
    watched.process.wait()
    said = small.goes_on(checkout)
    assert lines(said, f"ending the engine of a command that was killed (pid {engine.pid})") or not lines(
        said, "a lock of a command that no longer runs"
    )
    assert not engine.is_running()
    watched.end()


def test_make_up_stopped_while_the_cloud_starts_goes_on(checkout: Checkout) -> None:
    """Ctrl-C before the engine runs: the daemons that were started are taken over."""
    checkout.run("sandbox", "down", check=True)
    watched = small.Watched(checkout)
    watched.until_line("local cloud: starting")
    watched.interrupt()
    assert watched.end() == 130, watched.text
    assert lines(watched.text, "error: ") == ["error: interrupted"]
    small.goes_on(checkout)
