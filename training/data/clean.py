"""Cleaning of texts: one text in, one text out, no state."""

from __future__ import annotations

import re
import unicodedata

from training.data.recipe import Clean, Recipe

_CONTROL = re.compile(
    r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\ufeff\ufffe\uffff]"
)
_SPACES = re.compile(r"[ \t]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")
_NO_LETTERS = re.compile(r"[^a-z]+")


def clean(text: str, how: Clean) -> str:
    """`text` cleaned as in `Recipe.clean`."""
    if how == "none":
        return text
    if how == "letters":
        return _NO_LETTERS.sub(" ", text.lower()).strip()
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _SPACES.sub(" ", _CONTROL.sub(_visible, text))
    return _EMPTY_LINES.sub("\n\n", _LINE_ENDS.sub("\n", text)).strip()


def _visible(found: re.Match[str]) -> str:
    """Strange white space becomes a space, everything else without a shape nothing."""
    return " " if found.group().isspace() and found.group() not in "\x1c\x1d\x1e\x1f\x85" else ""


def fits(text: str, recipe: Recipe) -> str | None:
    """Why a cleaned text is dropped; None: it is kept."""
    if len(text) < max(recipe.min_characters, 1):
        return "too short"
    if len(text) > recipe.max_characters:
        return "too long"
    return None
