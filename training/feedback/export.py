"""From rated answers to the next fine-tune set. Pure, but for `write`.

One example a prompt: a correction where there is one (the newest), else the best rated answer that is good enough (of
equal ones the newest). Preference pairs set what was wanted against what was not, for the same prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training import atomic
from training.errors import BadInput, TrainingError
from training.feedback.rated import BEST, WORST, Rated

Kind = Literal["tokens", "texts"]
EXAMPLES, PAIRS = "examples.jsonl", "preferences.jsonl"


@dataclass(frozen=True)
class Rules:
    """What is good enough."""

    at_least: int = 4
    """Ratings from here on make an answer an example."""
    at_most_rejected: int = 2
    """Ratings up to here make an answer a rejected one."""
    models: tuple[str, ...] = ()
    """Only answers of these; empty: of all."""
    since: str = ""
    """Only those rated at this time or later (RFC 3339)."""

    def checked(self) -> Rules:
        """Itself. Raises BadInput with all problems."""
        problems = [
            f"{name}: {value} is not a rating ({WORST} to {BEST})"
            for name, value in (("at_least", self.at_least), ("at_most_rejected", self.at_most_rejected))
            if not WORST <= value <= BEST
        ]
        if self.at_most_rejected >= self.at_least:
            problems.append(
                f"at_most_rejected: {self.at_most_rejected} must be below at_least, {self.at_least}: "
                "no answer is both wanted and rejected"
            )
        if problems:
            raise BadInput(problems)
        return self


@dataclass
class Exported:
    """The rows of both files."""

    examples: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0
    """Prompts without an answer that is good enough."""


def select(rated: Iterable[Rated], rules: Rules, kind: Kind = "tokens") -> Exported:
    """The fine-tune set of some answers.

    `tokens` (language models): `{"text": prompt + answer, "prompt", "completion"}`. `texts` (classifiers, whose answers
    are labels): `{"text": prompt, "label"}`, and no pairs.
    """
    rules.checked()
    prompts: dict[str, list[Rated]] = {}
    for one in rated:
        if (rules.models and one.model not in rules.models) or one.time < rules.since:
            continue
        prompts.setdefault(" ".join(one.prompt.split()), []).append(one)
    found = Exported()
    for answers in prompts.values():
        wanted = _wanted(answers, rules)
        if wanted is None:
            found.left_out += 1
            continue
        prompt, answer = wanted
        if kind == "texts":
            found.examples.append({"text": prompt, "label": answer})
            continue
        found.examples.append({"text": prompt + answer, "prompt": prompt, "completion": answer})
        found.pairs += _pairs(prompt, answer, answers, rules)
    return found


def _wanted(answers: Sequence[Rated], rules: Rules) -> tuple[str, str] | None:
    """Prompt and answer to learn from."""
    corrected = [one for one in answers if one.correction is not None]
    if corrected:
        newest = max(corrected, key=lambda one: one.time)
        return newest.prompt, newest.correction or ""
    good = [one for one in answers if one.rating >= rules.at_least]
    if not good:
        return None
    best = max(good, key=lambda one: (one.rating, one.time))
    return best.prompt, best.answer


def _pairs(prompt: str, chosen: str, answers: Sequence[Rated], rules: Rules) -> list[dict[str, Any]]:
    """`chosen` against every answer that was corrected or rated badly, once each."""
    rejected = {
        one.answer: one
        for one in answers
        if one.answer != chosen and (one.correction is not None or one.rating <= rules.at_most_rejected)
    }
    return [{"prompt": prompt, "chosen": chosen, "rejected": answer} for answer in rejected]


def write(found: Exported, folder: Path) -> list[Path]:
    """Write the files, each at once or not at all; tells which. Raises TrainingError."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in ((EXAMPLES, found.examples), (PAIRS, found.pairs)):
            path = folder / name
            if not rows:
                path.unlink(missing_ok=True)
                continue
            atomic.write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
            written.append(path)
    except OSError as problem:
        raise TrainingError(f"output {folder}: cannot be written ({problem.strerror})") from None
    return written
