"""Preparation: what comes out, whoever made it and however often it was interrupted."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training_torch.data.samples import prepared, stories, write_lines
from training.data import files, manifest, parts, planning, shards
from training.data.manifest import Manifest
from training.data.prepare import prepare
from training.data.recipe import Recipe
from training.data.tokenizer import Bytes, load
from training.errors import BadInput, TrainingError

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


def tokens_of(folder: Path, split: str = "train") -> np.ndarray:
    entries = manifest.read(folder).splits[split]
    return np.concatenate([shards.open_arrays(folder / one.file, one)["tokens"] for one in entries])


def documents_of(folder: Path, split: str = "train") -> list[str]:
    """The packed texts, unpacked."""
    tokens = tokens_of(folder, split)
    ends = np.flatnonzero(tokens == Bytes.end)
    assert len(tokens) == ends[-1] + 1
    return [Bytes().decode(one.tolist()) for one in np.split(tokens, ends + 1)[:-1]]


def made(sources: Path, output: Path, **changes: Any) -> Manifest:
    outcome = prepare([sources], output, Recipe(**{"kind": "tokens", **changes}))
    assert outcome.manifest
    return outcome.manifest


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=12), st.integers(1, 200), st.integers(1, 3))
def test_packing_keeps_every_document_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], shard_bytes: int, count: int
) -> None:
    folder = tmp_path_factory.mktemp("round-trip")
    for number in range(count):
        write_lines(folder / f"{number}.jsonl", texts[number::count])
    wanted = [text for number in range(count) for text in texts[number::count]]
    made(folder, folder / "out", clean="none", shard_bytes=shard_bytes)
    assert documents_of(folder / "out") == list(dict.fromkeys(wanted))
    entries = manifest.read(folder / "out").splits["train"]
    assert all(one.bytes <= max(shard_bytes, 2) for one in entries)


def test_the_same_bytes_come_out_of_one_process_of_several_and_of_job_indexes(tmp_path: Path) -> None:
    sources, recipe = stories(tmp_path / "in", 5, 12), Recipe("tokens", dev=0.2, tokenizer="bpe:400")
    alone = prepare([sources], tmp_path / "a", recipe).manifest
    several = prepare([sources], tmp_path / "b", recipe, workers=2).manifest
    outcomes = [prepare([sources], tmp_path / "c", recipe, index=index, of=3) for index in (2, 0, 1)]
    assert [one.missing for one in outcomes] == [4, 2, 0]
    assert alone
    assert several
    assert outcomes[-1].manifest
    assert alone.identity == several.identity == outcomes[-1].manifest.identity
    assert not (tmp_path / "c" / planning.WORK).exists()


KILLED_IN_ITS_THIRD_PART = """
import os, signal
from training.data import parts
from training.data.cli import main

store, stored = parts._store, []

def kill(task, part, work):
    if len(stored) == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # its arrays are written, the file that names them is not
    store(task, part, work)
    stored.append(task)

parts._store = kill
main()
"""


def test_a_killed_preparation_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    sources = stories(tmp_path / "in", 5, 20)
    wanted = made(sources, tmp_path / "whole")
    output = tmp_path / "killed"
    arguments = ["prepare", str(sources), "--output", str(output), "--workers", "1"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_ITS_THIRD_PART, *arguments], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = {path.name: path.stat().st_mtime_ns for path in output.glob(f"{planning.WORK}/part-*.json")}
    assert len(before) == 2
    assert not (output / manifest.FILE_NAME).exists()
    seen: dict[str, int] = {}

    def look(_: str) -> None:
        seen.update({path.name: path.stat().st_mtime_ns for path in output.glob(f"{planning.WORK}/part-*.json")})

    outcome = prepare([sources], output, Recipe("tokens"), tell=look)
    assert outcome.manifest
    assert outcome.manifest.identity == wanted.identity
    assert {name: seen[name] for name in before} == before  # not made again


def test_doing_it_again_does_nothing(tmp_path: Path) -> None:
    sources = stories(tmp_path / "in", 2, 5)
    made(sources, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    told: list[str] = []
    prepare([sources], tmp_path / "out", Recipe("tokens"), tell=told.append)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert told == ["nothing to do: the folder holds exactly this"]


def test_other_data_is_never_overwritten_unless_that_is_asked_for(tmp_path: Path) -> None:
    sources = stories(tmp_path / "in", 2, 40)
    first = made(sources, tmp_path / "out", shard_bytes=1000)
    with pytest.raises(BadInput, match="holds data of other files or settings"):
        made(sources, tmp_path / "out")
    assert manifest.read(tmp_path / "out").identity == first.identity
    prepare([sources], tmp_path / "out", Recipe("tokens"), replace=True)
    assert [path.name for path in (tmp_path / "out").glob("*.bin")] == ["train-00000.bin"]


def test_a_changed_source_file_is_read_again(tmp_path: Path) -> None:
    sources = stories(tmp_path / "in", 2, 3)
    prepare([sources], tmp_path / "out", Recipe("tokens"), index=0, of=2)
    write_lines(sources / "00.jsonl", ["something else"])
    prepare([sources], tmp_path / "out", Recipe("tokens"), index=1, of=2)
    assert not (tmp_path / "out" / manifest.FILE_NAME).exists()
    prepare([sources], tmp_path / "out", Recipe("tokens"), index=0, of=2)
    assert documents_of(tmp_path / "out")[0] == "something else"


def test_a_full_disk_is_one_clear_message_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = stories(tmp_path / "in", 3, 5)
    real, written = os.fsync, 0

    def full(number: int) -> None:
        nonlocal written
        written += 1
        if written > 2:  # the arrays of one part, and what names them
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match="the disk is full; make room and run the same command again"):
        made(sources, tmp_path / "out")
    work = tmp_path / "out" / planning.WORK
    assert len(list(work.glob("part-*.json"))) == 1
    assert not list((tmp_path / "out").rglob("*.part"))
    monkeypatch.undo()
    made(sources, tmp_path / "out")
    assert len(documents_of(tmp_path / "out")) == 15


def test_rows_that_cannot_be_read_are_named_all_at_once_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"text": "good"}\n{"text": \n{"body": "x"}\n')
    (tmp_path / "in" / "b.jsonl").write_text("[1]\n")
    (tmp_path / "in" / "c.parquet").write_bytes(b"PAR1 but not for long")
    with pytest.raises(BadInput) as caught:
        made(tmp_path / "in", tmp_path / "out")
    assert len(caught.value.problems) == 4
    for part in ("a.jsonl:2: is no JSON", "a.jsonl:3: has no text in 'text' (it has body)", "b.jsonl:1", "c.parquet"):
        assert part in str(caught.value)
    found = made(tmp_path / "in", tmp_path / "out", skip_bad=True)
    assert found.counts["dropped"] == {"bad": 4}
    assert documents_of(tmp_path / "out") == ["good"]


def test_repeated_and_nearly_repeated_documents_stay_once(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(120)]
    near = " ".join([*words[:-1], "changed"])
    texts = [" ".join(words), "quite another text about other things", near, " ".join(words)]
    write_lines(tmp_path / "in" / "a.jsonl", texts)
    exact = made(tmp_path / "in", tmp_path / "exact")
    assert exact.counts["dropped"] == {"duplicate": 1}
    nearly = made(tmp_path / "in", tmp_path / "near", deduplicate="near")
    assert nearly.counts["dropped"] == {"duplicate": 2}
    assert documents_of(tmp_path / "near") == texts[:2]
    made(tmp_path / "in", tmp_path / "none", deduplicate="none")
    assert len(documents_of(tmp_path / "none")) == 4


def test_parquet_csv_and_plain_text_give_what_json_lines_give(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ["one, with a comma", 'two "quoted"', "three"]
    write_lines(tmp_path / "jsonl" / "a.jsonl", texts)
    for name in ("parquet", "csv", "txt"):
        (tmp_path / name).mkdir()
    pq.write_table(pa.table({"text": texts, "more": [1, 2, 3]}), tmp_path / "parquet" / "a.parquet")
    quoted = "\r\n".join('"' + text.replace('"', '""') + '"' for text in ["text", *texts])
    (tmp_path / "csv" / "a.csv").write_text(quoted, newline="")
    (tmp_path / "txt" / "a.txt").write_text("\n".join(texts))
    identities = {
        made(tmp_path / name, tmp_path / f"{name}-out", documents="line").identity
        for name in ("jsonl", "parquet", "csv", "txt")
    }
    assert len(identities) == 1


def test_a_fixed_number_of_texts_for_training_and_the_rest_for_validation(tmp_path: Path) -> None:
    found = prepared(tmp_path / "out", "texts", samples=80, dev=0.0, train_samples=50, clean="letters")
    kept = 80 - found.counts["dropped"].get("duplicate", 0)
    assert found.counts["documents"] == {"train": 50, "dev": kept - 50}
    assert found.classes == ["negative", "positive"]


def test_labels_come_from_the_name_of_the_folder(tmp_path: Path) -> None:
    for label, text in (("pos", "fine"), ("neg", "bad")):
        (tmp_path / "in" / label).mkdir(parents=True)
        (tmp_path / "in" / label / "1.txt").write_text(text)
    found = made(tmp_path / "in", tmp_path / "out", kind="texts", label_field="@folder")
    arrays = shards.open_arrays(tmp_path / "out" / "train-00000.bin", found.splits["train"][0])
    decoded = [
        Bytes().decode(arrays["tokens"][first:last].tolist())
        for first, last in zip(arrays["offsets"][:-1], arrays["offsets"][1:], strict=True)
    ]
    assert dict(zip(decoded, arrays["labels"].tolist(), strict=True)) == {
        "bad": found.classes.index("neg"),
        "fine": found.classes.index("pos"),
    }


def test_splits_do_not_depend_on_the_other_documents(tmp_path: Path) -> None:
    few, many = stories(tmp_path / "few", 1, 40), stories(tmp_path / "many", 2, 40)
    made(few, tmp_path / "few-out", dev=0.3)
    made(many, tmp_path / "many-out", dev=0.3)
    assert set(documents_of(tmp_path / "few-out", "dev")) <= set(documents_of(tmp_path / "many-out", "dev"))
    assert set(documents_of(tmp_path / "few-out")) <= set(documents_of(tmp_path / "many-out"))


def test_a_trained_tokenizer_lies_beside_the_shards_and_reads_them(tmp_path: Path) -> None:
    sources = stories(tmp_path / "in", 2, 20)
    found = made(sources, tmp_path / "out", tokenizer="bpe:600")
    used = load(tmp_path / "out")
    assert found.tokenizer
    assert used.sha256 == found.tokenizer["sha256"]
    first = np.split(tokens_of(tmp_path / "out"), [np.flatnonzero(tokens_of(tmp_path / "out") == used.end)[0]])[0]
    assert used.decode(first.tolist()) == json.loads((sources / "00.jsonl").read_text().splitlines()[0])["text"]


def test_a_large_vocabulary_needs_wider_numbers() -> None:
    assert parts.token_dtype(1 << 16) is np.uint16
    assert parts.token_dtype((1 << 16) + 1) is np.uint32


def test_sources_that_are_not_there_or_hold_nothing_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput) as caught:
        prepare([tmp_path / "nowhere", tmp_path / "empty"], tmp_path / "out", Recipe("tokens"))
    assert "nowhere: is not there" in caught.value.problems[0]
    assert "holds no file for tokens (.txt" in caught.value.problems[1]
    assert not (tmp_path / "out").exists()


def test_nothing_left_after_cleaning_is_an_error(tmp_path: Path) -> None:
    write_lines(tmp_path / "in" / "a.jsonl", ["short"])
    with pytest.raises(BadInput, match="nothing is left of 1 files"):
        made(tmp_path / "in", tmp_path / "out", min_characters=100)


def test_a_checksum_is_that_of_the_bytes(tmp_path: Path) -> None:
    entry = shards.write(tmp_path / "a.bin", {"x": np.arange(5, dtype=np.uint16), "y": np.ones((2, 3))}, 5)
    assert files.checksum(tmp_path / "a.bin") == entry.sha256
    opened = shards.open_arrays(tmp_path / "a.bin", entry)
    assert opened["x"].tolist() == list(range(5))
    assert (opened["y"] == 1).all()
    assert opened["y"].shape == (2, 3)
