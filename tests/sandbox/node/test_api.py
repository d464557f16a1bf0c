"""Answers of the API server, and the two kinds of errors they become."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from sandbox.node.api import Api, Refused, Unavailable, namespaced


class Response:
    """One answer, as the client library hands it on."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self._body = status, body
        self.response = self

    def read(self) -> bytes:
        return self._body

    def stream(self, **_: Any) -> list[bytes]:
        """In pieces that do not keep to the lines."""
        return [self._body[start : start + 7] for start in range(0, len(self._body), 7)]

    def close(self) -> None:
        pass


def api(answer: Response | Exception) -> tuple[Api, list[tuple[Any, ...]]]:
    """An Api whose server gives one answer, and what it was asked."""
    asked: list[tuple[Any, ...]] = []

    def request(method: str, url: str, **given: Any) -> Response:
        asked.append((method, url, given["headers"]["Content-Type"]))
        if isinstance(answer, Exception):
            raise answer
        return answer

    rest = SimpleNamespace(request=request)
    client: Any = SimpleNamespace(rest_client=rest, configuration=SimpleNamespace(host="https://api"))
    return Api(client), asked


def status(code: int, message: str) -> Response:
    return Response(code, json.dumps({"kind": "Status", "message": message}).encode())


def test_objects_come_and_go_as_they_are() -> None:
    client, asked = api(Response(200, b'{"kind": "Pod", "unknown": {"field": 1}}'))
    assert client.patch(namespaced("pods", "team", "a"), {}) == {"kind": "Pod", "unknown": {"field": 1}}
    assert asked == [("PATCH", "https://api/api/v1/namespaces/team/pods/a", "application/strategic-merge-patch+json")]


def test_a_refusal_carries_the_servers_words() -> None:
    client, _ = api(status(422, "spec.x: invalid"))
    with pytest.raises(Refused, match=r"spec\.x: invalid") as refused:
        client.create("/api/v1/nodes", {})
    assert refused.value.status == 422


@pytest.mark.parametrize("answer", [status(429, "slow down"), status(500, "etcd is away"), status(503, "starting")])
def test_an_answer_that_may_change_is_no_refusal(answer: Response) -> None:
    with pytest.raises(Unavailable):
        api(answer)[0].get("/x")


@pytest.mark.parametrize("problem", [urllib3.exceptions.ProtocolError("reset"), ConnectionRefusedError("refused")])
def test_no_answer_is_one_line(problem: Exception) -> None:
    with pytest.raises(Unavailable) as unavailable:
        api(problem)[0].get("/x")
    assert "\n" not in str(unavailable.value)


def test_what_is_not_there_is_found_as_none_and_deleted_already() -> None:
    client, _ = api(status(404, "not found"))
    assert client.find("/x") is None
    client.delete("/x")


def test_another_object_of_that_name_is_not_deleted_in_its_place() -> None:
    client, _ = api(status(409, "precondition failed: UID"))
    client.delete("/x", {"preconditions": {"uid": "old"}})


def test_watch_events_are_put_together_from_pieces() -> None:
    lines = [{"type": "ADDED", "object": {"name": "a"}}, {"type": "DELETED", "object": {"name": "b"}}]
    client, asked = api(Response(200, b"".join(json.dumps(line).encode() + b"\n" for line in lines)))
    assert list(client.watch("/x", "7", fieldSelector="a=b")) == [("ADDED", {"name": "a"}), ("DELETED", {"name": "b"})]
    assert "resourceVersion=7" in asked[0][1]
    assert "fieldSelector=a%3Db" in asked[0][1]


def test_an_error_inside_a_watch_is_a_refusal() -> None:
    line = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    client, _ = api(Response(200, json.dumps(line).encode() + b"\n"))
    with pytest.raises(Refused) as refused:
        list(client.watch("/x", "7"))
    assert refused.value.status == 410
