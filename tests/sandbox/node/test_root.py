"""Paths inside a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.node.agent import masked
from sandbox.node.root import resolve
from sandbox.settings import Settings


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


def test_keys_and_homes_are_masked_and_the_root_never_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(tmp_path / "state", Path("/var/cache/aidc"), 1024)
    monkeypatch.setenv("HOME", "/")
    found = masked(settings)
    assert "/" not in found
    assert {"/root", "/home", "/run", "/var/cache/aidc"} <= set(found)
    monkeypatch.setenv("HOME", "/srv/user")
    assert "/srv/user" in masked(settings)
    assert not any(Path(one) in Path(other).parents for one in found for other in found)
