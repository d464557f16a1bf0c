"""What a measurement raises when it cannot be had here: no failure, and no figure."""

from __future__ import annotations


class Unavailable(Exception):
    """A part cannot be measured here; one line that says why."""
