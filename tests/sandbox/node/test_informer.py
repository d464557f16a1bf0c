"""Keeping up with the API server, also when it goes away or has forgotten where we were."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.node.api import Api, Object, Refused, Unavailable
from sandbox.node.informer import Informer

Answer = list[Any] | Exception


class Script(Api):
    """An API server that answers as it is told: lists, and the events of each watch."""

    def __init__(self, lists: list[Answer], watches: list[Answer], ended: threading.Event) -> None:
        self.lists, self.watches, self.ended = lists, watches, ended
        self.versions: list[str] = []

    def list(self, path: str, **query: str) -> Object:
        answer = self.lists.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"items": answer, "metadata": {"resourceVersion": "10"}}

    def watch(self, path: str, version: str, **query: str) -> Iterator[tuple[str, Object]]:
        self.versions.append(version)
        answer = self.watches.pop(0) if self.watches else []
        if not self.watches:
            self.ended.set()
        if isinstance(answer, Exception):
            raise answer
        yield from answer


def thing(name: str, version: int) -> Object:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def follow(lists: list[Answer], watches: list[Answer]) -> tuple[Script, list[Any]]:
    """Run an informer to the end of the script. Returns what it was told."""
    ended, told = threading.Event(), []
    api = Script(lists, watches, ended)
    Informer(api, "/things", lambda items: told.append([one["metadata"]["name"] for one in items]),
             lambda kind, one: told.append((kind, one["metadata"]["name"])), ended, {}).run()  # fmt: skip
    return api, told


def test_changes_follow_the_list_and_each_watch_goes_on_where_the_last_one_ended() -> None:
    api, told = follow([[thing("a", 1)]], [[("ADDED", thing("b", 11)), ("BOOKMARK", thing("", 15))], []])
    assert told == [["a"], ("ADDED", "b")]
    assert api.versions == ["10", "15"]


def test_a_version_that_is_too_old_means_a_new_list() -> None:
    api, told = follow([[thing("a", 1)], [thing("a", 1), thing("b", 2)]], [Refused(410, "too old"), []])
    assert told == [["a"], ["a", "b"]]
    assert api.versions == ["10", "10"]


def test_a_server_that_is_away_is_told_once_and_again_when_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.node.informer.FIRST_PAUSE", 0.001)
    caplog.set_level(logging.INFO)
    _, told = follow([Unavailable("refused"), Unavailable("refused"), Unavailable("refused"), [thing("a", 1)]], [[]])
    assert told == [["a"]]
    assert [record.message for record in caplog.records] == [
        "/things: refused; trying again",
        "/things: watching again",
    ]
