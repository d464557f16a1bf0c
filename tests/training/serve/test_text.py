"""Text while it is made."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from training.serve.text import TextSoFar


def decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


def told(text: str, *stops: str) -> tuple[list[str], TextSoFar]:
    growing = TextSoFar(decode, stops)
    pieces = []
    for token in text.encode():
        pieces.append(growing.push(token))
        if growing.stopped:
            break
    return [*pieces, growing.finish()], growing


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_pieces_make_the_whole_and_no_character_comes_in_parts(text: str) -> None:
    pieces, growing = told(text)
    assert "".join(pieces) == growing.text == text


def test_an_unfinished_character_waits_for_its_bytes() -> None:
    pieces, _ = told("é")
    assert pieces == ["", "é", ""]


def test_a_stop_text_ends_and_is_never_told() -> None:
    pieces, growing = told("one. END two", "END")
    assert "".join(pieces) == growing.text == "one. "
    assert growing.stopped


def test_what_might_become_a_stop_text_is_held_back_until_it_does_not() -> None:
    pieces, growing = told("a##b", "###")
    assert pieces == ["a", "", "", "##b", ""]
    assert not growing.stopped


@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=3))
def test_whatever_the_stop_text_what_was_told_is_what_comes_before_it(text: str, stop: str) -> None:
    pieces, growing = told(text, stop)
    assert "".join(pieces) == growing.text == text.partition(stop)[0]


def test_the_first_of_several_stop_texts_counts() -> None:
    _, growing = told("abc def", "def", "bc")
    assert growing.text == "a"
