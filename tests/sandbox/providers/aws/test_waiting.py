"""Waits follow the status of an object, and end: by failure, by time-out, by ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import grpc
import pytest

from sandbox.providers.aws import waiting
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.protocol import Fail, Target

KIND = "aws:eks/cluster:Cluster"
CLUSTER = RECORDS[KIND]
TARGET = Target("urn", KIND, "c", timeout=600)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "FIRST_POLL_SECONDS", 0.001)


def reported(statuses: Iterable[str | None]) -> Callable[[], Any]:
    """A description that goes through statuses; None: the object is gone."""
    left = iter(statuses)

    def describe() -> Any:
        status = next(left)
        if status is None:
            raise waiting.Missing
        return {"status": status}

    return describe


def settle(*statuses: str | None, target: Target = TARGET, cancelled: threading.Event | None = None) -> Any:
    return waiting.settled(reported(statuses), CLUSTER, target, "c", cancelled or threading.Event())


def test_a_wait_ends_with_the_first_status_that_is_not_on_the_way() -> None:
    assert settle("CREATING", "UPDATING", "ACTIVE") == {"status": "ACTIVE"}


def test_a_failed_status_is_said() -> None:
    with pytest.raises(Fail, match=r"^aws:eks/cluster:Cluster c: status FAILED$"):
        settle("CREATING", "FAILED")


def test_a_wait_ends_at_the_time_out_of_the_resource() -> None:
    with pytest.raises(Fail, match="still CREATING at the time-out") as caught:
        settle(*["CREATING"] * 1000, target=Target("urn", KIND, "c", timeout=0.01))
    assert caught.value.code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_wait_ends_when_the_engine_says_stop() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Fail, match="still CREATING when it was canceled") as caught:
        settle(*["CREATING"] * 1000, cancelled=stop)
    assert caught.value.code == grpc.StatusCode.CANCELLED


def test_deletion_is_waited_for_until_the_object_is_gone() -> None:
    with pytest.raises(waiting.Missing):
        waiting.gone(reported(["DELETING", "DELETING", None]), CLUSTER, TARGET, "c", threading.Event())
    with pytest.raises(Fail, match="status FAILED while deleting"):
        waiting.gone(reported(["DELETING", "FAILED"]), CLUSTER, TARGET, "c", threading.Event())


def test_an_object_that_vanishes_while_it_is_waited_for_is_missing() -> None:
    with pytest.raises(waiting.Missing):
        settle("CREATING", None)
