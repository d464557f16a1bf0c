"""Readers of text files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from training.data.documents import Bad, Document, read
from training.data.recipe import Recipe


def texts(path: Path, **changes: object) -> list[str]:
    found = list(read(path, Recipe("tokens", **changes)))  # type: ignore[arg-type]
    assert all(isinstance(one, Document) for one in found), found
    return [one.text for one in found if isinstance(one, Document)]


def problem(path: Path, **changes: object) -> str:
    found = [one for one in read(path, Recipe("tokens", **changes)) if isinstance(one, Bad)]  # type: ignore[arg-type]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize(
    ("documents", "wanted"),
    [
        ("file", ["one\ntwo\n\nthree\n"]),
        ("line", ["one\n", "two\n", "three\n"]),
        ("paragraph", ["one\ntwo\n", "three\n"]),
    ],
)
def test_a_text_file_is_one_document_or_one_a_line_or_paragraph(
    documents: str, wanted: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n\nthree\n")
    assert texts(tmp_path / "a.txt", documents=documents) == wanted


def test_gzipped_files_read_like_others(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write('{"text": "one"}\n\n{"text": "two"}\n')
    assert texts(tmp_path / "a.jsonl.gz") == ["one", "two"]


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"text": "one"}\n' * 1000)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    assert "a.jsonl.gz: cannot be read to its end" in problem(tmp_path / "a.jsonl.gz")


def test_what_is_not_utf_8_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("für".encode("latin-1"))
    assert "is not UTF-8 from byte 1 on" in problem(tmp_path / "a.txt")


def test_fields_are_chosen_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,sentiment\ngood film,1\n")
    found = list(read(tmp_path / "a.csv", Recipe("texts", text_field="review", label_field="sentiment")))
    assert found == [Document("good film", "1")]


def test_a_missing_label_is_named_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": 0}\n{"text": "y"}\n')
    found = list(read(tmp_path / "a.jsonl", Recipe("texts", label_field="label")))
    assert found[0] == Document("x", "0")
    assert str(found[1]).endswith("a.jsonl:2: has no label in 'label'; give --label-field")


def test_other_columns_of_a_long_row_are_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,text\n1,"two\nlines"\n2,b\n')
    assert texts(tmp_path / "a.csv") == ["two\nlines", "b"]
