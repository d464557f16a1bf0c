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


def test_the_tag_changes_with_a_file_the_base_the_platform_and_what_is_expected() -> None:
    content = {"Dockerfile": b"FROM x", "training/a.py": b"1"}
    tags = {
        context.tag(content, f"base@sha256:{DIGEST}"),
        context.tag({**content, "training/a.py": b"2"}, f"base@sha256:{DIGEST}"),
        context.tag({"Dockerfile": b"FROM x", "training/b.py": b"1"}, f"base@sha256:{DIGEST}"),
        context.tag(content, f"base@sha256:{'b' * 64}"),
        context.tag(content, f"base@sha256:{DIGEST}", "linux/arm64"),
        context.tag(content, f"base@sha256:{DIGEST}", expect="cuda"),
    }
    assert len(tags) == 6
    both = {context.tag(content, f"base@sha256:{DIGEST}", expect=expect) for expect in ("cuda,efa", "efa,cuda")}
    assert len(both) == 1


def test_a_folder_can_be_read_by_everybody_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        context.unpack({"Dockerfile": b"FROM x", "training/a/b.py": b"1"}, tmp_path / "context")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "context").rglob("*")}
    assert modes == {"Dockerfile": 0o644, "training": 0o755, "a": 0o755, "b.py": 0o644}


@pytest.mark.parametrize("base", ["", "python:3.12", "python@sha256:abc", f"@sha256:{DIGEST}", f"a@sha256:{'g' * 64}"])
def test_a_base_that_is_not_pinned_is_refused(base: str) -> None:
    with pytest.raises(BadInput, match="is not pinned; give name@sha256:"):
        context.pinned(base)


def test_a_pinned_base_is_taken_as_it_is() -> None:
    base = f"public.ecr.aws/deep-learning-containers/pytorch:2.13@sha256:{DIGEST}"
    assert context.pinned(base) == base


def test_the_dockerfile_ends_without_root_after_the_verifier() -> None:
    lines = context.files()["Dockerfile"].decode().splitlines()
    users = [number for number, line in enumerate(lines) if line.startswith("USER ")]
    (verifier,) = [
        number for number, line in enumerate(lines) if line.startswith("RUN python -m training.image.verify")
    ]
    assert lines[users[-1]] == "USER 1000:1000"
    assert lines[verifier].endswith("--user 1000")
    assert not [line for line in lines[verifier + 1 :] if line.startswith(("RUN", "COPY", "ADD"))]
