"""Stores of rated answers."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from training.errors import BadInput, TrainingError
from training.feedback import Rated, open_store
from training.feedback.rated import parse

NAMES = ("rated.jsonl", "rated.sqlite")


def rated(number: int = 0, **changes: object) -> Rated:
    given = {"prompt": f"p{number}", "answer": "a\nb", "rating": 4, "model": "m", "id": f"id{number}", **changes}
    return parse(given)


def add_many(path: Path, first: int) -> None:
    store = open_store(path)
    for number in range(first, first + 20):
        store.add(rated(number))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_added_comes_back_in_order(name: str, tmp_path: Path) -> None:
    store = open_store(tmp_path / "new" / name)
    wanted = [rated(1), rated(2, correction="ü \N{GRINNING FACE}"), rated(3, rating=1)]
    for one in wanted:
        store.add(one)
    assert list(open_store(tmp_path / "new" / name)) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_several_processes_add_without_loss(name: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=add_many, args=(tmp_path / name, first)) for first in (0, 100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    found = [one.prompt for one in open_store(tmp_path / name)]
    assert sorted(found) == sorted(f"p{first + number}" for first in (0, 100, 200) for number in range(20))


def test_half_a_line_of_a_killed_writer_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "rated.jsonl"
    store = open_store(path)
    store.add(rated(1))
    store.add(rated(2))
    path.write_bytes(path.read_bytes()[:-20])
    store.add(rated(3))
    assert [one.prompt for one in store] == ["p1", "p3"]


def test_the_database_refuses_changes(tmp_path: Path) -> None:
    open_store(tmp_path / "rated.sqlite").add(rated())
    with sqlite3.connect(tmp_path / "rated.sqlite") as database:
        for statement in ("UPDATE rated SET rating = 5", "DELETE FROM rated"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                database.execute(statement)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_that_is_not_there_is_said_to_be_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not there; nothing was rated yet"):
        list(open_store(tmp_path / name))


@pytest.mark.parametrize("name", NAMES)
def test_a_place_that_cannot_be_written_is_one_clear_message(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        open_store(tmp_path / "file" / name).add(rated())


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"must end in \.jsonl"):
        open_store(tmp_path / "rated.txt")


def test_all_problems_of_an_answer_are_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        parse({"prompt": " ", "rating": 6, "stars": 3})
    text = "\n".join(caught.value.problems)
    for part in ("stars: is not known", "prompt: ' ' is not a text", "answer: is missing", "rating: 6", "model: is"):
        assert part in text


def test_thumbs_are_ratings_and_true_is_none() -> None:
    assert (rated(rating="up").rating, rated(rating="down").rating) == (5, 1)
    with pytest.raises(BadInput, match="rating: True"):
        rated(rating=True)


def test_an_empty_answer_can_be_rated() -> None:
    assert json.loads(json.dumps(rated(answer="").as_dict()))["answer"] == ""
