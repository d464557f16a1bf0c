"""From tokens to text while they are made: whole characters only, ended by the stop texts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"
"""What decoding gives for the first bytes of a character whose last ones are still missing."""


class TextSoFar:
    """The text of one answer as it grows."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self._decode, self._stops = decode, stops
        self._ids: list[int] = []
        self.text = ""
        self.stopped = False
        """Whether a stop text came; it is not part of `text`."""
        self._told = 0

    @property
    def tokens(self) -> int:
        return len(self._ids)

    def push(self, token: int) -> str:
        """Add a token; tells the text that is now certain and was not told before."""
        if self.stopped:
            return ""
        self._ids.append(token)
        self.text = self._decode(self._ids)
        found = [place for stop in self._stops if (place := self.text.find(stop)) >= 0]
        if found:
            self.text, self.stopped = self.text[: min(found)], True
            return self._tell(len(self.text))
        return self._tell(self._certain())

    def finish(self) -> str:
        """The rest of the text, when no token follows."""
        return self._tell(len(self.text))

    def _certain(self) -> int:
        """Characters that no further token changes or makes part of a stop text."""
        end = len(self.text.rstrip(UNFINISHED))
        held = 0
        for stop in self._stops:
            for size in range(min(len(stop) - 1, end), 0, -1):
                if self.text[:end].endswith(stop[:size]):
                    held = max(held, size)
                    break
        return end - held

    def _tell(self, end: int) -> str:
        if end <= self._told:
            return ""
        told, self._told = self.text[self._told : end], end
        return told
