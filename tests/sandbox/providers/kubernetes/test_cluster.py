"""The API client and the waiting loop, against a scripted server."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from sandbox.providers.kubernetes import kubeconfig
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings
from sandbox.providers.kubernetes.readiness.waiting import NotReady, Waiter
from tests.sandbox.providers.kubernetes.fake_api import Answer, FakeApi, serving

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "a", "uid": "1"}}
PATH = "/api/v1/namespaces/a/configmaps/x"


def connect(api: FakeApi, cancelled: threading.Event | None = None, **user: Any) -> Cluster:
    return Cluster(kubeconfig.load(api.kubeconfig(**user)), cancelled or threading.Event())


def waiter(
    cluster: Cluster, cancelled: threading.Event | None = None, seconds: float = 60.0
) -> tuple[Waiter, list[str]]:
    told: list[str] = []
    return Waiter(cluster, cancelled or threading.Event(), told.append, seconds), told


def test_kinds_are_discovered_once_and_again_when_one_is_new() -> None:
    resources = [{"name": "widgets", "kind": "Widget", "namespaced": False}]
    served: list[dict[str, Any]] = []

    def answers(method: str, path: str) -> Answer | None:
        return (200, {"resources": served}) if path == "/apis/example.com/v1" else None

    with serving(answers) as api:
        cluster = connect(api)
        with pytest.raises(UnknownKind, match=r"no kind Widget in example\.com/v1"):
            cluster.kind("example.com/v1", "Widget")
        served += resources
        assert cluster.kind("example.com/v1", "Widget").plural == "widgets"
        before = len(api.asked)
        assert not cluster.kind("example.com/v1", "Widget").namespaced
        assert len(api.asked) == before


def test_a_group_that_is_not_served_has_no_kinds() -> None:
    with serving(lambda *_: None) as api, pytest.raises(UnknownKind):
        connect(api).kind("nowhere.io/v1", "Thing")


def test_requests_that_the_server_puts_off_are_repeated() -> None:
    busy: list[Answer] = [(429, {"message": "slow down"}, {"Retry-After": "0"}), (503, {}, {"Retry-After": "0"})]
    with serving(lambda *_: busy.pop(0) if busy else (200, CONFIG_MAP)) as api:
        assert connect(api).get(CONFIG_MAP) == CONFIG_MAP


def test_a_failure_without_a_wish_to_be_repeated_is_final() -> None:
    with serving(lambda *_: (500, {"message": "broken"})) as api:
        with pytest.raises(ApiError, match="InternalError: broken"):
            connect(api).get(CONFIG_MAP)
        assert sum(path == PATH for _, path, _ in api.asked) == 1


def test_a_cancelled_update_does_not_wait_for_a_busy_server() -> None:
    cancelled = threading.Event()
    cancelled.set()
    busy: Answer = 429, {"message": "slow down"}, {"Retry-After": "30"}
    with serving(lambda *_: busy) as api, pytest.raises(ApiError, match="slow down"):
        connect(api, cancelled).get(CONFIG_MAP)


def test_a_server_that_is_not_there_is_unreachable_in_one_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        api = FakeApi(lambda *_: None, unused.getsockname()[1])
        with pytest.raises(Unreachable) as caught:
            connect(api).get(CONFIG_MAP)
    assert str(caught.value) == f"the Kubernetes API at {api.server} does not answer: [Errno 111] Connection refused"


def test_the_credentials_of_the_kubeconfig_are_sent() -> None:
    with serving(lambda *_: (200, CONFIG_MAP)) as api:
        connect(api, token="abc").get(CONFIG_MAP)
        assert {header for _, _, header in api.asked} == {"Bearer abc"}


def test_an_apply_is_strict_and_names_its_manager() -> None:
    with serving(lambda *_: (200, CONFIG_MAP)) as api:
        connect(api).apply(CONFIG_MAP, "me", dry_run=True)
        method, path, _ = api.asked[-1]
    assert method == "PATCH"
    assert set(path.partition("?")[2].split("&")) == {
        "fieldManager=me",
        "fieldValidation=Strict",
        "dryRun=All",
        "force=false",
    }


# Waiting.


def _no_events(_: str, path: str) -> Answer | None:
    return 200, {"items": []} if "/events" in path else CONFIG_MAP


def after(calls: int) -> Any:
    """A check that says ready at its n-th call."""
    seen: list[int] = []

    def check(live: Any, around: Surroundings) -> Progress:
        seen.append(1)
        return Progress(len(seen) >= calls, f"step {min(len(seen), 2)}", [f"problem {len(seen)}"])

    return check


def test_the_wait_ends_when_ready_and_tells_each_status_once() -> None:
    with serving(lambda *_: (200, CONFIG_MAP)) as api:
        own, told = waiter(connect(api))
        assert own.until_ready(CONFIG_MAP, after(4)) == CONFIG_MAP
    assert told == ["step 1", "step 2", ""]


def test_out_of_time_gives_the_last_problems_and_warnings() -> None:
    event = {"reason": "FailedMount", "message": "no\nvolume"}

    def answers(method: str, path: str) -> Answer | None:
        return (200, {"items": [event, event]}) if "/events" in path else (200, CONFIG_MAP)

    with serving(answers) as api:
        own, _ = waiter(connect(api), seconds=0.05)
        with pytest.raises(NotReady) as caught:
            own.until_ready(CONFIG_MAP, after(99))
    first, problem, warning = caught.value.reasons
    assert first == "'x' timed out waiting to be Ready"
    assert problem.startswith("problem ")
    assert warning == "[FailedMount] no volume"


def test_what_has_failed_is_not_waited_for() -> None:
    with serving(_no_events) as api:
        own, _ = waiter(connect(api), seconds=600)
        with pytest.raises(NotReady, match="it is over"):
            own.until_ready(CONFIG_MAP, lambda *_: Progress(False, problems=["it is over"], failed=True))


def test_cancel_ends_a_wait_at_once() -> None:
    cancelled = threading.Event()

    def check(live: Any, around: Surroundings) -> Progress:
        cancelled.set()
        return Progress(False)

    with serving(_no_events) as api:
        own, _ = waiter(connect(api), cancelled, seconds=600)
        with pytest.raises(NotReady, match="Resource operation was cancelled for 'x'"):
            own.until_ready(CONFIG_MAP, check)
        assert own.until_gone(CONFIG_MAP) == ["the deletion was cancelled before the object was gone"]


def test_an_object_that_disappears_while_waiting_is_an_error() -> None:
    with serving(lambda *_: None) as api:
        own, _ = waiter(connect(api))
        with pytest.raises(NotReady, match="ConfigMap a/x was deleted while waiting"):
            own.until_ready(CONFIG_MAP, after(1))


def test_a_server_that_is_away_for_a_moment_does_not_end_a_wait() -> None:
    broken: list[Answer] = [(500, {"message": "starting"})] * 2
    with serving(lambda _, path: broken.pop() if broken and path == PATH else (200, CONFIG_MAP)) as api:
        own, _ = waiter(connect(api))
        assert own.until_ready(CONFIG_MAP, after(1)) == CONFIG_MAP


def test_gone_means_not_found_or_another_object_of_that_name() -> None:
    other = CONFIG_MAP | {"metadata": CONFIG_MAP["metadata"] | {"uid": "2"}}
    for answer in (None, (200, other)):
        with serving(lambda *_, answer=answer: answer) as api:
            assert waiter(connect(api))[0].until_gone(CONFIG_MAP) is None


def test_what_keeps_an_object_from_going_is_named() -> None:
    stuck = CONFIG_MAP | {
        "metadata": CONFIG_MAP["metadata"] | {"finalizers": ["example.com/hold"]},
        "status": {"conditions": [{"status": "True", "message": "3 pods remain"}]},
    }
    with serving(lambda *_: (200, stuck)) as api:
        own, _ = waiter(connect(api), seconds=0.05)
        assert own.until_gone(CONFIG_MAP) == [
            "the deletion timed out before the object was gone",
            "finalizers might be preventing deletion (example.com/hold)",
            "3 pods remain",
        ]


def test_a_creation_is_repeated_while_what_it_needs_may_still_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Waiter, "_pause", lambda *_: True)
    problems: list[Exception] = [UnknownKind("example.com/v1", "Widget"), ApiError(404, {"reason": "NotFound"})]

    def work() -> str:
        if problems:
            raise problems.pop()
        return "made"

    with serving(lambda *_: None) as api:
        own, told = waiter(connect(api))
        assert own.repeat(work, lambda _: True) == "made"
        assert len(told) == 2
        problems.append(ApiError(403, {"message": "no"}))
        with pytest.raises(ApiError, match="no"):
            own.repeat(work, lambda _: False)
