"""From ratings to a fine-tune set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.errors import BadInput
from training.feedback import Rated, open_store
from training.feedback.cli import main
from training.feedback.export import Rules, select, write
from training.feedback.rated import parse

COUNT = iter(range(10_000))


def rated(prompt: str, answer: str, rating: int, correction: str | None = None, **more: Any) -> Rated:
    """Each later than the one before."""
    time = f"2026-01-01T00:00:{next(COUNT):06d}Z"
    given = {"prompt": prompt, "answer": answer, "rating": rating, "correction": correction, "model": "m"}
    return parse({"time": time, **given, **more})


def test_good_answers_become_examples_and_bad_ones_do_not() -> None:
    found = select([rated("a", " good", 4), rated("b", " bad", 3)], Rules())
    assert found.examples == [{"text": "a good", "prompt": "a", "completion": " good"}]
    assert found.left_out == 1


def test_a_correction_wins_over_every_rating_and_the_newest_correction_over_older_ones() -> None:
    found = select(
        [rated("q", "x", 5), rated("q", "y", 1, "old"), rated("q", "y", 1, "new"), rated("q", "z", 5)], Rules()
    )
    assert [one["completion"] for one in found.examples] == ["new"]


def test_one_example_a_prompt_the_best_and_newest() -> None:
    found = select([rated("q", "a", 5), rated(" q ", "b", 5), rated("q", "c", 4)], Rules())
    assert [one["completion"] for one in found.examples] == ["b"]


def test_pairs_set_what_was_wanted_against_what_was_not() -> None:
    found = select([rated("q", "bad", 1), rated("q", "so so", 3), rated("q", "good", 5), rated("q", "bad", 2)], Rules())
    assert found.pairs == [{"prompt": "q", "chosen": "good", "rejected": "bad"}]
    corrected = select([rated("q", "wrong", 3, "right")], Rules())
    assert corrected.pairs == [{"prompt": "q", "chosen": "right", "rejected": "wrong"}]


def test_classifiers_get_texts_with_labels() -> None:
    found = select([rated("nice", "negative", 1, "positive"), rated("bad", "negative", 5)], Rules(), "texts")
    assert found.examples == [{"text": "nice", "label": "positive"}, {"text": "bad", "label": "negative"}]
    assert found.pairs == []


def test_only_wanted_models_and_times_count() -> None:
    all_of_them = [rated("a", "x", 5, model="old"), rated("b", "x", 5, time="2025-12-31T00:00:00Z"), rated("c", "x", 5)]
    found = select(all_of_them, Rules(models=("m",), since="2026-01-01"))
    assert [one["prompt"] for one in found.examples] == ["c"]


def test_rules_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(BadInput) as caught:
        select([], Rules(at_least=9, at_most_rejected=9))
    assert len(caught.value.problems) == 3


def test_files_of_an_earlier_export_do_not_stay(tmp_path: Path) -> None:
    write(select([rated("q", "bad", 1), rated("q", "good", 5)], Rules()), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"examples.jsonl", "preferences.jsonl"}
    write(select([rated("q", "good", 5)], Rules()), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"examples.jsonl"}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["x", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_exports_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(tmp_path / "r.sqlite").add(rated("q", " a", 5))
    assert run(monkeypatch, "export", tmp_path / "r.sqlite", "--output", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "examples.jsonl").read_text())["text"] == "q a"
    assert run(monkeypatch, "export", tmp_path / "r.jsonl", "--output", tmp_path / "out") == 2
    assert "r.jsonl: is not there" in capsys.readouterr().err


def test_a_set_without_a_good_answer_is_a_failure_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(tmp_path / "r.jsonl").add(rated("q", "a", 3))
    assert run(monkeypatch, "export", tmp_path / "r.jsonl", "--output", tmp_path / "out") == 1
    assert "no answer is good enough (1 prompts left out); lower --at-least" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
