"""The build context is the same wherever it is packed, and a base that may change is refused."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from training.errors import BadInput
from training.image import context

DIGEST = "a" * 64


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout elsewhere, with other times, other modes and things that do not belong."""
    root = tmp_path / "elsewhere"
    shutil.copytree(context.ROOT / "training", root / "training", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (root / "training").rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    (root / "training" / "__pycache__").mkdir()
    (root / "training" / "__pycache__" / "left.py").write_text("")
    (root / "training" / "notes.md").write_text("not needed to train")
    return root


@pytest.mark.parametrize("pack", [context.tar, context.archive_zip])
def test_the_same_files_give_the_same_bytes_wherever_they_lie(copy: Path, pack) -> None:
    here, there = context.files(), context.files(copy)
    assert list(here) == list(there)
    assert pack(here) == pack(there)


def test_both_archives_hold_the_dockerfile_and_the_program() -> None:
    content = context.files()
    with tarfile.open(fileobj=io.BytesIO(context.tar(content))) as archive:
        packed = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert packed == content
    with zipfile.ZipFile(io.BytesIO(context.archive_zip(content))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == content
    assert {"Dockerfile", "training/requirements.txt", "training/image/verify.py"} <= set(content)


def test_the_tag_changes_with_a_file_and_with_the_base() -> None:
    content = {"Dockerfile": b"FROM x", "training/a.py": b"1"}
    tags = {
        context.tag(content, f"base@sha256:{DIGEST}"),
        context.tag({**content, "training/a.py": b"2"}, f"base@sha256:{DIGEST}"),
        context.tag({"Dockerfile": b"FROM x", "training/b.py": b"1"}, f"base@sha256:{DIGEST}"),
        context.tag(content, f"base@sha256:{'b' * 64}"),
    }
    assert len(tags) == 4


@pytest.mark.parametrize("base", ["", "python:3.12", "python@sha256:abc", f"@sha256:{DIGEST}", f"a@sha256:{'g' * 64}"])
def test_a_base_that_is_not_pinned_is_refused(base: str) -> None:
    with pytest.raises(BadInput, match="is not pinned; give name@sha256:"):
        context.pinned(base)


def test_a_pinned_base_is_taken_as_it_is() -> None:
    base = f"public.ecr.aws/deep-learning-containers/pytorch:2.13@sha256:{DIGEST}"
    assert context.pinned(base) == base


def test_the_dockerfile_ends_without_root_and_with_the_verifier() -> None:
    lines = context.files()["Dockerfile"].decode().splitlines()
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER 1000:1000"
    assert lines[-1].startswith("RUN python -m training.image.verify")
