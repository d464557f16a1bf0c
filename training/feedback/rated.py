"""One rated answer: its fields, what they may be, and how they are read from JSON."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.errors import BadInput

WORST, BEST = 1, 5
WORDS = {"down": WORST, "up": BEST}
"""Ratings of interfaces that have thumbs only."""
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Rated:
    """What was asked, what was answered, and what somebody thought of it."""

    prompt: str
    answer: str
    """A text; for a classifier the label."""
    rating: int
    """1 (worst) to 5 (best)."""
    model: str
    correction: str | None = None
    """What the answer should have been."""
    time: str = ""
    """RFC 3339, UTC."""
    id: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def parse(given: Any, *, model: str | None = None) -> Rated:
    """A rated answer from JSON; time and id are given to it when it has none. Raises BadInput with all problems."""
    if not isinstance(given, Mapping):
        raise BadInput("feedback: must be a JSON object with prompt, answer, rating")
    known = set(Rated.__dataclass_fields__)
    problems = [
        f"{key}: is not known; give {', '.join(sorted(known - {'id', 'time'}))}" for key in given if key not in known
    ]
    for key in ("prompt", "answer", "correction", "model", "time", "id"):
        value = given.get(key)
        if value is None and key in {"correction", "time", "id", "model"}:
            continue
        if not isinstance(value, str) or (key != "answer" and not value.strip()):
            problems.append(
                f"{key}: {value!r} is not a text" if value is not None else f"{key}: is missing; give a text"
            )
        elif len(value) > MOST_CHARACTERS:
            problems.append(f"{key}: has {len(value)} characters; at most {MOST_CHARACTERS} are kept")
    rating = given.get("rating")
    rating = WORDS.get(rating, rating) if isinstance(rating, str) else rating
    if not isinstance(rating, int) or isinstance(rating, bool) or not WORST <= rating <= BEST:
        problems.append(f"rating: {given.get('rating')!r} is not a whole number from {WORST} to {BEST}, up or down")
    named = given.get("model") or model
    if not named:
        problems.append("model: is missing; name the model that answered")
    if problems:
        raise BadInput(problems)
    assert isinstance(rating, int)
    assert named
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Rated(
        prompt=given["prompt"],
        answer=given["answer"],
        rating=rating,
        model=named,
        correction=given.get("correction"),
        time=given.get("time") or now,
        id=given.get("id") or uuid.uuid4().hex,
    )
