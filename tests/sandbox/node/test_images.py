"""The table of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.node import images
from sandbox.node.images import Image


def test_images_are_registered_replaced_and_found(tmp_path: Path) -> None:
    table = tmp_path / "state" / "images.json"
    images.register(table, "a:1", Image(["/old"]))
    images.register(table, "a:1", Image(["/new"], env={"X": "1"}))
    images.register(table, "b:1", Image(["/b"]))
    assert images.find(table, "a:1") == Image(["/new"], env={"X": "1"})
    assert images.find(table, "c:1") is None
    assert images.describe(table) == "a:1, b:1"


def test_a_broken_table_of_images_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "images.json").write_text('{"a": 1')
    with pytest.raises(ValueError, match="not a table of images"):
        images.find(tmp_path / "images.json", "a")


def test_a_virtual_environment_brings_the_interpreter_it_links_to(tmp_path: Path) -> None:
    install, environment = tmp_path / "opt" / "python", tmp_path / "venv"
    for folder in (install / "bin", environment / "bin"):
        folder.mkdir(parents=True)
    (install / "bin" / "python3.11").touch()
    (environment / "bin" / "python3").symlink_to(install / "bin" / "python3.11")
    (environment / "bin" / "python").symlink_to("python3")
    image = images.of_virtual_environment(environment)
    assert image.path == [str(environment / "bin")]
    assert set(image.mounts) == {str(install), str(environment)}
    with pytest.raises(ValueError, match="no bin/python"):
        images.of_virtual_environment(tmp_path)
