from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import logs


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40)), st.integers(0, 20))
def test_the_last_lines_are_those_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], count: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "some.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    assert logs.tail(path, count) == (lines[-count:] if count else [])


def test_lines_longer_than_a_block_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    long = "x" * (3 * logs.BLOCK)
    path.write_text(f"first\n{long}\nlast\n")
    assert logs.tail(path, 2) == [long, "last"]


def test_what_is_appended_while_the_last_lines_are_shown_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    path.write_text("one\ntwo\n")
    place = logs._place

    def appended(of: Path) -> tuple[int, int]:
        found = place(of)
        if "three" not in of.read_text():
            with of.open("a") as file:
                file.write("three\n")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_place", appended)
        last, following = logs.tail_and_follow(path, 5)
        assert (last, next(following)) == (["one", "two"], "three\n")


def test_a_file_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert logs.tail(tmp_path / "none.log", 5) == []


def test_following_shows_what_is_appended_also_after_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    path.write_text("old\n")
    following = logs.follow(path)
    chunks: list[str] = []

    def append_then_read(text: str) -> None:
        with path.open("a") as file:
            file.write(text)
        chunks.append(next(following))

    append_then_read("new\n")
    append_then_read("more\n")
    path.rename(tmp_path / "daemon.log.1")
    path.write_text("")
    append_then_read("rotated\n")
    assert chunks == ["new\n", "more\n", "rotated\n"]
