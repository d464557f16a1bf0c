"""Cleaning of texts: one text in, one text out, no state."""

from __future__ import annotations

import re
import unicodedata

from training.data.recipe import Clean, Recipe

_SPACE_LIKE = "\x0b\x0c\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SHAPELESS = "\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\ufffe\uffff"
_STRANGE = re.compile(f"[{_SPACE_LIKE}{_SHAPELESS}]")
_SPACE = re.compile(f"[{_SPACE_LIKE}]")
_SPACES = re.compile(r" *\t[ \t]*|  +")  # not each single space: most of a text is left alone
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
    text = _SPACES.sub(" ", _STRANGE.sub(_visible, text))
    return _EMPTY_LINES.sub("\n\n", _LINE_ENDS.sub("\n", text)).strip()


def _visible(found: re.Match[str]) -> str:
    """Strange white space becomes a space, everything else without a shape nothing."""
    return " " if _SPACE.match(found.group()) else ""


def fits(text: str, recipe: Recipe) -> str | None:
    """Why a cleaned text is dropped; None: it is kept."""
    if len(text) < max(recipe.min_characters, 1):
        return "too short"
    if len(text) > recipe.max_characters:
        return "too long"
    return None
