"""Container logs as `kubectl logs` asks for them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sandbox.node.logs import Query, read

LOG = """\
2026-01-01T00:00:01.000000Z stdout F one
2026-01-01T00:00:02.000000Z stderr F two
2026-01-01T00:00:03.000000Z stdout P thr
2026-01-01T00:00:03.000001Z stdout F ee
"""


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "one\ntwo\nthree\n"),
        ({"tailLines": "2"}, "three\n"),  # a split line counts as its parts
        ({"tailLines": "0"}, ""),
        ({"sinceTime": "2026-01-01T00:00:02Z"}, "two\nthree\n"),
        ({"limitBytes": "6"}, "one\ntw"),
        ({"timestamps": "true", "limitBytes": "31"}, "2026-01-01T00:00:01.000000Z one"),
    ],
)
def test_the_wanted_part_of_a_log_is_read(tmp_path: Path, given: dict[str, str], text: str) -> None:
    (tmp_path / "log").write_text(LOG)
    assert b"".join(read(tmp_path / "log", Query.parse(given), lambda: True)).decode() == text


def test_following_a_log_reads_what_comes_and_ends_with_the_container(tmp_path: Path) -> None:
    path, asked = tmp_path / "log", 0
    path.write_text(LOG)

    def ended() -> bool:
        """Asked before each read; the last line is written just before the container has ended."""
        nonlocal asked
        asked += 1
        if asked == 2:
            with path.open("a") as file:
                file.write("2026-01-01T00:00:04.000000Z stdout F four\n")
        return asked >= 2

    query = Query.parse({"follow": "true", "tailLines": "1"})
    assert b"".join(read(path, query, ended)) == b"ee\nfour\n"


def test_a_wrong_log_parameter_is_named() -> None:
    with pytest.raises(ValueError, match="tailLines: many is not a number"):
        Query.parse({"tailLines": "many"})


def test_seconds_ago_become_a_time() -> None:
    since = Query.parse({"sinceSeconds": "60"}).since
    assert since
    assert dt.timedelta(seconds=55) < dt.datetime.now(dt.UTC) - since < dt.timedelta(seconds=65)
