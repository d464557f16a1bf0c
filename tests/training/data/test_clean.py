"""Cleaning of texts."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from training.data.clean import clean, fits
from training.data.recipe import Recipe


def test_control_characters_go_and_strange_spaces_become_spaces() -> None:
    assert clean("a\x00b\x07c d\u2003e\u200bf\ufeff\tg", "plain") == "abc d ef g"


def test_line_ends_are_unified_and_empty_lines_bounded() -> None:
    assert clean("a  \r\n\r\n\r\n\r\n b\rc ", "plain") == "a\n\nb\nc"


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert clean("e\u0301", "plain") == clean("\u00e9", "plain") == "\u00e9"


def test_the_recipe_of_the_lstm_leaves_small_letters_and_spaces() -> None:
    assert clean("It's GREAT -- 10/10!!<br />Really.", "letters") == "it s great br really"


def test_none_leaves_everything() -> None:
    assert clean(" \x00\r\n ", "none") == " \x00\r\n "


@given(st.text())
def test_cleaning_twice_changes_nothing_more_and_leaves_no_control_character(text: str) -> None:
    once = clean(text, "plain")
    assert clean(once, "plain") == once
    assert not [one for one in once if unicodedata.category(one) == "Cc" and one != "\n"]


@given(st.text())
def test_letters_are_letters(text: str) -> None:
    found = clean(text, "letters")
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz ")
    assert "  " not in found


def test_texts_of_unfit_length_are_dropped_with_the_reason() -> None:
    recipe = Recipe("tokens", min_characters=3, max_characters=5)
    assert [fits("x" * size, recipe) for size in (2, 3, 5, 6)] == ["too short", None, None, "too long"]
