"""Limits of the server. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, fields

from training.errors import BadInput


@dataclass(frozen=True)
class Settings:
    """Checked by `checked`."""

    max_batch: int = 16
    """Sequences that run together."""
    max_wait_ms: float = 5.0
    """How long the first of a batch waits for others."""
    max_queue: int = 256
    """Sequences that wait; beyond, requests are refused with 429."""
    max_tokens: int = 2048
    """Tokens of one answer."""
    max_body_bytes: int = 8 << 20
    max_inputs: int = 64
    """Prompts times `n`, or inputs to classify, of one request."""
    drain_s: float = 120.0
    """How long requests in work may go on after SIGTERM."""

    def checked(self) -> Settings:
        """Itself. Raises BadInput with all problems."""
        least = {"max_wait_ms": 0, "drain_s": 0}
        problems = [
            f"--{one.name.replace('_', '-')}: {getattr(self, one.name)} is not at least {least.get(one.name, 1)}"
            for one in fields(self)
            if getattr(self, one.name) < least.get(one.name, 1)
        ]
        if problems:
            raise BadInput(problems)
        return self
