"""Daemons that are killed during or after `make up`: the next one goes on, whatever the cloud has lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import processes
from tests.e2e import small
from tests.e2e.checkout import Checkout, lines
from tests.sandbox.emulated import eventually


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with small.small_stack(small.BENCHMARK) as made:
        yield made


def kill(checkout: Checkout, name: str) -> None:
    """SIGKILL to a daemon, found anew because supervisord gives it new pids; it may just be coming back."""
    pids = eventually(lambda: [pid for pid, one in processes.ours(checkout.settings).items() if one == name])
    for pid in pids:
        processes.kill(pid)


def test_make_up_bears_the_death_of_every_kubernetes_daemon(checkout: Checkout) -> None:
    """One after the other while resources are made; the engine may fail, the next `make up` may not."""
    watched = small.Watched(checkout)
    for number, name in enumerate(("kwok", "nodes", "node", "etcd", "apiserver"), 1):
        watched.until_created_or_ended(number * 10)
        kill(checkout, name)
    assert watched.end() in (0, 1), watched.text
    assert "Traceback" not in watched.text
    said = small.goes_on(checkout)
    assert lines(said, "benchmark bench: PASS") or lines(said, "benchmark bench: not measured")


def test_an_aws_api_that_lost_everything_during_make_up_is_filled_again(checkout: Checkout) -> None:
    """It was killed once after the stack was complete, and once more while the next `make up` was making it anew."""
    small.goes_on(checkout)
    kill(checkout, "aws")
    watched = small.Watched(checkout)
    watched.until_created(20)
    kill(checkout, "aws")
    assert watched.end() in (0, 1), watched.text
    assert lines(watched.text, "found: the local cloud was restarted and has lost its state")
    assert "Traceback" not in watched.text
    said = small.goes_on(checkout)
    assert lines(said, "found: the local cloud was restarted and has lost its state")


def test_after_the_death_of_everything_make_up_builds_the_stack_again(checkout: Checkout) -> None:
    """As after a reboot: no process is left, the state folder is."""
    small.goes_on(checkout)
    while left := processes.ours(checkout.settings):
        for pid in left:
            processes.kill(pid)
    said = small.goes_on(checkout)
    assert lines(said, "found: the local cloud was restarted and has lost its state")
    assert lines(said, "benchmark bench: PASS") or lines(said, "benchmark bench: not measured")


def test_a_killed_supervisor_is_replaced(checkout: Checkout) -> None:
    small.goes_on(checkout)
    kill(checkout, "supervisord")
    said = small.goes_on(checkout)
    assert lines(said, "local cloud: ending what is left of an earlier run")
    down = checkout.run("operations", "down", "--stack", small.NAME)
    assert down.returncode == 0, down.stdout + down.stderr
    assert "nothing is left" in down.stdout
    assert checkout.processes() == []
