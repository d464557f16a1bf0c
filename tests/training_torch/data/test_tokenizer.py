"""Tokenizers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import tokenizer
from training.errors import BadInput


@given(st.text(st.characters(codec="utf-8")))
def test_bytes_give_every_text_back(text: str) -> None:
    ids = tokenizer.Bytes().encode([text])[0]
    assert all(3 <= one < tokenizer.Bytes.vocabulary for one in ids)
    assert tokenizer.Bytes().decode(ids) == text


def test_a_trained_one_gives_every_text_back_and_keeps_the_layout_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.train("bpe:300", ["the cat and the dog and the bird"] * 5, path)
    used = tokenizer.load(path)
    text = "the bird: ünïcode 漢字 \N{GRINNING FACE}"
    assert used.decode(used.encode([text])[0]) == text
    assert (used.pad, used.end) == (0, 1)
    assert len(used.encode(["the the"])[0]) < len("the the")


def test_a_classifiers_text_starts_with_the_special_token_and_is_cut(tmp_path: Path) -> None:
    tokenizer.train("bpe:300", ["a b c"], tmp_path / "tokenizer.json")
    for used in (tokenizer.Bytes(), tokenizer.load(tmp_path)):
        ids = used.encode(["a long text", ""], most=5)
        assert len(ids[0]) == 5
        assert [one[0] for one in ids] == [used.end, used.end]
        assert len(used.encode(["a long text"])[0]) > 5  # the limit does not stick


def test_unknown_words_have_a_token_of_their_own(tmp_path: Path) -> None:
    tokenizer.train("words:10", ["one two two"], tmp_path / "tokenizer.json")
    used = tokenizer.load(tmp_path)
    assert used.encode(["two three"])[0] == [3, tokenizer.UNKNOWN]


def test_the_first_of_two_that_train_at_the_same_time_wins(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.train("words:10", ["one"], path)
    first = path.read_bytes()
    tokenizer.train("words:10", ["two"], path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wanted", ["bpe:10", "words:x", "bpe:"])
def test_sizes_that_cannot_be_are_refused(wanted: str) -> None:
    with pytest.raises(BadInput, match="give a size such as"):
        tokenizer.trained_size(wanted)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BadInput, match=r"is no tokenizer\.json"):
        tokenizer.load(tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        tokenizer.load(tmp_path / "none.json")
