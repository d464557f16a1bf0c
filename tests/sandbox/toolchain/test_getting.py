"""A tool is got by the first way that works, once, and is whole or not there."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.settings import REPOSITORY
from sandbox.toolchain import getting, store
from sandbox.toolchain.tool import Unavailable
from terminal import UserError
from tests.sandbox import awaiting
from tests.sandbox.toolchain.fakes import VERSION, FakeTool, Talk, executable, place, settings


def tools(directory: Path) -> list[str]:
    """What lies in the cache, but for lock files."""
    return sorted(path.name for path in (directory / "cache" / "tools").iterdir() if path.suffix != ".lock")


def forbidden(_: Path) -> str:
    raise AssertionError("nothing should be fetched")


def test_the_right_version_on_path_is_used_as_it_is(bare: Path, tmp_path: Path, talk: Talk) -> None:
    real = executable(tmp_path / "opt" / "fake-1.2.3")
    (bare / "fake").symlink_to(real)
    tool = getting.get(FakeTool(forbidden), settings(tmp_path), talk)
    assert (tool.origin, tool.version, tool.path) == ("path", VERSION, real)
    assert tool.size == real.stat().st_size
    assert tool.sha256 == store.digest(real)


@pytest.mark.parametrize("text", ["#!/bin/sh\necho fake 1.0.0\n", "#!/bin/sh\nexit 1\n", "#!/nowhere\n"])
def test_another_version_on_path_is_passed_over(bare: Path, tmp_path: Path, talk: Talk, text: str) -> None:
    executable(bare / "fake", text)
    tool = getting.get(FakeTool(place), settings(tmp_path), talk)
    assert tool.origin == "download"
    assert tool.path.is_relative_to(tmp_path / "cache")


def test_copies_of_our_own_on_path_do_not_count(tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `eval "$(python -m sandbox env)"` the first CLI on PATH is the one in our PULUMI_HOME."""
    own = settings(tmp_path).pulumi_home / "bin"
    executable(own / "fake")
    monkeypatch.setenv("PATH", f"{own}{os.pathsep}{os.environ['PATH']}")
    assert getting.get(FakeTool(place), settings(tmp_path), talk).origin == "download"


def test_a_tool_is_got_once(tmp_path: Path, talk: Talk) -> None:
    first = getting.get(FakeTool(place), settings(tmp_path), talk)
    assert getting.get(FakeTool(forbidden), settings(tmp_path), talk) == first
    assert getting.present(FakeTool(), settings(tmp_path)) == first
    assert tools(tmp_path) == ["fake-1.2.3-0123456789ab"]


def test_looking_for_a_tool_gets_nothing(tmp_path: Path) -> None:
    assert getting.present(FakeTool(forbidden), settings(tmp_path)) is None
    assert not (tmp_path / "cache").exists()


def test_every_way_that_failed_is_told_with_its_reason(
    tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_go(*_: object) -> None:
        raise Unavailable("there is no Go")

    monkeypatch.setattr(getting.golang, "ensure_go", no_go)
    with pytest.raises(UserError) as caught:
        getting.get(FakeTool(), settings(tmp_path), talk)
    assert caught.value.problems == [
        "fake 1.2.3: download: there is no network",
        "fake 1.2.3: build: there is no Go",
        "put fake 1.2.3 on PATH, or make one of these ways work",
    ]
    assert tools(tmp_path) == []


def test_a_download_that_does_not_run_here_is_not_kept(
    tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(scratch: Path) -> str:
        executable(scratch / "fake", "#!/nowhere\n")
        return "fake"

    def compiled(_go: object, _module: object, target: Path, *_: object) -> None:
        executable(target)

    monkeypatch.setattr(getting.golang, "ensure_go", lambda *_: None)
    monkeypatch.setattr(getting.golang, "build", compiled)
    assert getting.get(FakeTool(wrong), settings(tmp_path), talk).origin == "build"
    assert "not a working fake 1.2.3" in talk.said[0]


def damage_content(file: Path) -> None:
    file.write_text(file.read_text().replace("1.2.3", "6.6.6"))


def damage_length(file: Path) -> None:
    status = file.stat()
    file.write_text(file.read_text() + "x")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def damage_record(file: Path) -> None:
    (file.parent.parent / "tool.json").write_text('{"files": ')


@pytest.mark.parametrize("damage", [damage_content, damage_length, damage_record, Path.unlink])
def test_a_damaged_copy_is_replaced(tmp_path: Path, talk: Talk, damage: object) -> None:
    tool = getting.get(FakeTool(place), settings(tmp_path), talk)
    assert callable(damage)
    damage(tool.path)
    assert getting.present(FakeTool(), settings(tmp_path)) is None
    assert getting.get(FakeTool(place), settings(tmp_path), talk) == tool
    assert any("damaged" in line for line in talk.said)
    assert FakeTool().works(tool.path)
    assert tools(tmp_path) == ["fake-1.2.3-0123456789ab"]


def test_a_copied_cache_is_still_good(tmp_path: Path, talk: Talk) -> None:
    """Other times on the files, the same content."""
    tool = getting.get(FakeTool(place), settings(tmp_path), talk)
    os.utime(tool.path, (0, 0))
    assert getting.present(FakeTool(), settings(tmp_path)) == tool


def test_ctrl_c_leaves_nothing_half_made(tmp_path: Path, talk: Talk) -> None:
    def interrupted(scratch: Path) -> str:
        place(scratch)
        assert getting.present(FakeTool(), settings(tmp_path)) is None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        getting.get(FakeTool(interrupted), settings(tmp_path), talk)
    assert tools(tmp_path) == []
    assert getting.get(FakeTool(place), settings(tmp_path), talk).origin == "download"


def test_a_disk_that_fills_up_is_one_message(tmp_path: Path, talk: Talk) -> None:
    def full(scratch: Path) -> str:
        place(scratch)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match=r"no space for fake.*AIDC_CACHE") as caught:
        getting.get(FakeTool(full), settings(tmp_path), talk)
    assert len(caught.value.problems) == 1
    assert tools(tmp_path) == []


def test_what_cannot_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**10, 0, 10**9))
    store.require_space(tmp_path / "not" / "made" / "yet", 10**9, "x")
    with pytest.raises(UserError, match=r"no space for the tool: .* has 1.0 GB free, 4.0 GB are needed"):
        store.require_space(tmp_path / "not" / "made" / "yet", 4 * 10**9, "the tool")


@contextmanager
def another_run(directory: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.sandbox.toolchain.fakes", str(directory)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_two_runs_at_once_make_it_once_and_the_second_says_that_it_waits(tmp_path: Path) -> None:
    with another_run(tmp_path) as first, another_run(tmp_path) as second:
        maker = int(awaiting.line(tmp_path / "made"))
        waiter = second if maker == first.pid else first
        talk = awaiting.line(tmp_path / f"talk-{waiter.pid}")
        assert talk == f"fake: waiting for another run that is getting it (started by process {maker})\n"
        (tmp_path / "go-on").write_text("go on\n")
        paths = {process.communicate(timeout=awaiting.LIMIT_S)[0] for process in (first, second)}
    assert paths == {f"{tmp_path}/cache/tools/fake-1.2.3-0123456789ab/bin/fake\n"}
    assert (tmp_path / "made").read_text() == f"{maker}\n"


def test_after_a_kill_the_next_run_starts_clean(tmp_path: Path, talk: Talk) -> None:
    with another_run(tmp_path) as killed:
        awaiting.line(tmp_path / "made")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert any(name.startswith(".fake-") for name in tools(tmp_path)), "the killed run left its scratch"
    tool = getting.get(FakeTool(place), settings(tmp_path), talk)
    assert tools(tmp_path) == [tool.path.parent.parent.name]
    assert not any("waiting" in line for line in talk.said)


SLOW_GO = """#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo go1.26.0 ;;
  "env -json") echo '{"GOPROXY": "off", "GOCACHE": "HERE", "GOMODCACHE": "HERE"}' ;;
  "build "*)
    for a in "$@"; do [ "$previous" = -o ] && target=$a; previous=$a; done
    echo $$ >> HERE/made
    while [ ! -e HERE/go-on ]; do sleep 0.05; done
    printf '#!/bin/sh\\necho fake 1.2.3\\n' > "$target"; chmod +x "$target" ;;
esac
"""


def test_a_build_that_outlives_a_killed_run_is_waited_for(tmp_path: Path) -> None:
    """The build belongs to nobody then; another beside it would take as long again and the memory twice."""
    executable(tmp_path / "go", SLOW_GO.replace("HERE", str(tmp_path)))
    with another_run(tmp_path) as killed:
        builder = awaiting.line(tmp_path / "made")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    with another_run(tmp_path) as following:
        assert "waiting" in awaiting.line(tmp_path / f"talk-{following.pid}")
        assert (tmp_path / "made").read_text() == builder
        (tmp_path / "go-on").touch()
        following.communicate(timeout=awaiting.LIMIT_S)
        assert following.returncode == 0
    assert len((tmp_path / "made").read_text().split()) == 2
    assert tools(tmp_path) == ["fake-1.2.3-0123456789ab"]
