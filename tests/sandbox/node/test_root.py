"""Paths inside a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.node.root import resolve


def test_links_inside_a_root_are_followed_inside_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to("/run")
    (tmp_path / "var" / "up").symlink_to("../../../../etc")
    assert resolve(tmp_path, "/var/run/secrets/token") == tmp_path / "run/secrets/token"
    assert resolve(tmp_path, "/var/up/passwd") == tmp_path / "etc/passwd"
    assert resolve(tmp_path, "/../../x") == tmp_path / "x"
    (tmp_path / "loop").symlink_to("/loop")
    with pytest.raises(OSError, match="too many symbolic links"):
        resolve(tmp_path, "/loop/x")
