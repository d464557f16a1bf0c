"""What is replaced is there all the time: as it was, or as it is to be, wherever the program is killed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from training import atomic
from training.checkpoint import folder


class Killed(BaseException):
    """As kill -9: nothing of the program runs any more."""


def dying_at(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the program die before its `number`-th renaming."""
    replace, count = os.replace, [0]

    def renamed(old: Path, new: Path) -> None:
        count[0] += 1
        if count[0] == number:
            raise Killed
        replace(old, new)

    monkeypatch.setattr(os, "replace", renamed)


def contents(place: Path) -> set[str]:
    return {one.name for one in place.iterdir()} if place.is_dir() else set()


@pytest.mark.parametrize("number", [1, 2])
def test_a_checkpoint_made_again_is_never_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    for place, name in ((folder.place(tmp_path, 5), "old"), (folder.partial(tmp_path, 5), "new")):
        place.mkdir()
        (place / name).touch()
    with monkeypatch.context() as patch:
        dying_at(patch, number)
        with pytest.raises(Killed):
            folder.commit(tmp_path, 5)
    folder.clean(tmp_path)
    assert folder.steps(tmp_path) == [5]
    assert contents(folder.place(tmp_path, 5)) == {"old"}
    assert contents(tmp_path) == {"step-5"}, "nothing is left lying about"


def test_a_checkpoint_made_again_replaces_the_one_before(tmp_path: Path) -> None:
    for place, name in ((folder.place(tmp_path, 5), "old"), (folder.partial(tmp_path, 5), "new")):
        place.mkdir()
        (place / name).touch()
    folder.commit(tmp_path, 5)
    assert contents(folder.place(tmp_path, 5)) == {"new"}
    assert contents(tmp_path) == {"step-5"}


def test_a_checkpoint_that_was_being_removed_is_not_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (1, 2):
        folder.place(tmp_path, step).mkdir()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    folder.retain(tmp_path, 1)
    monkeypatch.undo()
    folder.clean(tmp_path)
    assert contents(tmp_path) == {"step-2"}


@pytest.mark.parametrize("number", [1, 2])
def test_an_exported_model_can_be_read_wherever_its_replacing_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from training import weights
    from training.models import build, size

    first, second = (build("mlp", size("mlp", "tiny")) for _ in range(2))
    weights.export(first, tmp_path / "export")
    with monkeypatch.context() as patch:
        dying_at(patch, number)
        with pytest.raises(Killed):
            weights.export(second, tmp_path / "export")

    def is_of(model: object) -> bool:
        found = weights.load_exported(tmp_path / "export").state_dict()
        return all((found[name] == value).all() for name, value in model.state_dict().items())  # type: ignore[attr-defined]

    assert is_of(first)
    weights.export(second, tmp_path / "export")
    assert is_of(second)
    assert contents(tmp_path) == {"export"}


def failing(_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("harm", ["fsync", "replace"])
def test_a_file_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    path = tmp_path / "file"
    atomic.write(path, "old")
    fail: Callable[..., None] = lambda *_: failing(_)  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(os, harm, fail)
        with pytest.raises(OSError, match="No space left"):
            atomic.write(path, b"new")
    assert path.read_text() == "old"
    assert contents(tmp_path) == {"file"}
