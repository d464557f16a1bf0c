"""The reference page is what the rules say."""

from __future__ import annotations

from policies import docs


def test_the_committed_page_is_current() -> None:
    assert docs.PAGE.read_text(encoding="utf-8") == docs.text(), "run `python -m policies.docs`"
