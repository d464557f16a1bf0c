"""The Pulumi CLI comes from its official archive when that is whole, and from source when not."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from pathlib import Path

import pytest

from sandbox.settings import REPOSITORY
from sandbox.toolchain import getting, platforms
from sandbox.toolchain.pulumi_cli import PulumiCli
from sandbox.toolchain.tool import Unavailable
from tests.sandbox.toolchain.conftest import Site
from tests.sandbox.toolchain.fakes import LONG, SHORT, Talk, executable, settings

VERSION = PulumiCli().version
ARCHIVE = f"/pulumi-v{VERSION}-linux-x64.tar.gz"
CHECKSUMS = f"/pulumi-{VERSION}-checksums.txt"
CLI = f"#!/bin/sh\necho v{VERSION}\n"


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "current", lambda: ("linux", "amd64"))


@pytest.fixture
def cli() -> PulumiCli:
    return PulumiCli(LONG)


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def official(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The release as it is published."""
    names = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-language-nodejs", "pulumi-watch")
    content = archive({"pulumi/pulumi": CLI} | {f"pulumi/{name}": f"#!/bin/sh\n# {name}\n" for name in names})
    site.files[ARCHIVE] = content
    site.files[CHECKSUMS] = f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE[1:]}\n".encode()
    monkeypatch.setenv("AIDC_PULUMI_DOWNLOAD", site.address)
    return site


def test_the_official_archive_brings_the_cli_and_its_python_host(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk
) -> None:
    tool = getting.get(cli, settings(tmp_path), talk)
    assert (tool.origin, tool.version) == ("download", VERSION)
    assert official.asked == [CHECKSUMS, ARCHIVE]
    assert sorted(path.name for path in tool.path.parent.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    ]
    assert cli.works(tool.path)


@pytest.fixture
def buildable(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that takes no time, to see that the next way is tried."""

    def build(_go: object, _module: object, target: Path, *_: object) -> None:
        executable(target, CLI)

    monkeypatch.setattr(getting.golang, "ensure_go", lambda *_: None)
    monkeypatch.setattr(getting.golang, "build", build)


@pytest.mark.usefixtures("buildable")
@pytest.mark.parametrize(
    ("path", "manner", "reason"),
    [
        (CHECKSUMS, 404, "HTTP 404"),
        (CHECKSUMS, "silent", "sent nothing"),
        (ARCHIVE, 404, "HTTP 404"),
        (ARCHIVE, "truncated", "broke off"),
        (ARCHIVE, "stalling", "sent nothing"),
    ],
)
def test_a_release_that_cannot_be_downloaded_is_built_instead(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk, path: str, manner: str | int, reason: str
) -> None:
    official.manners[path] = manner
    if manner in {"silent", "stalling"}:
        cli.limits = SHORT
    tool = getting.get(cli, settings(tmp_path), talk)
    assert tool.origin == "build"
    (line,) = talk.about(f"pulumi {VERSION}: download: ")
    assert reason in line


@pytest.mark.usefixtures("buildable")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive({"pulumi/pulumi": "#!/bin/sh\nrm -rf /\n"}), "the checksum of"),
        (None, "no checksum is published"),
    ],
    ids=["exchanged", "unlisted"],
)
def test_an_archive_that_is_not_the_published_one_is_not_even_unpacked(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk, content: bytes | None, reason: str
) -> None:
    if content is None:
        official.files[CHECKSUMS] = b"0" * 64 + b"  another.tar.gz\n"
    else:
        official.files[ARCHIVE] = content
    assert getting.get(cli, settings(tmp_path), talk).origin == "build"
    (line,) = talk.about(f"pulumi {VERSION}: download: ")
    assert reason in line


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not an archive", "cannot be unpacked"), (archive({"pulumi/readme": "x"}), "holds no pulumi")],
)
def test_an_archive_of_something_else_is_refused(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk, content: bytes, reason: str
) -> None:
    official.files[ARCHIVE] = content
    official.files[CHECKSUMS] = f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE[1:]}\n".encode()
    with pytest.raises(Unavailable, match=reason):
        cli.fetch(tmp_path, talk)


def test_an_archive_cannot_write_outside_of_its_directory(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk
) -> None:
    content = archive({"pulumi/pulumi": CLI, "pulumi/../../../python-evil": "x", "/tmp/python-evil": "x"})
    official.files[ARCHIVE] = content
    official.files[CHECKSUMS] = f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE[1:]}\n".encode()
    scratch = tmp_path / "a" / "b"
    scratch.mkdir(parents=True)
    cli.fetch(scratch, talk)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*evil")} == {Path("a/b/bin/python-evil")}


def test_both_official_addresses_are_tried(
    site: Site, cli: PulumiCli, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.toolchain.pulumi_cli.OFFICIAL", f"{site.address}/first")
    monkeypatch.setattr("sandbox.toolchain.pulumi_cli.MIRROR", f"{site.address}/second/v{{version}}")
    with pytest.raises(Unavailable) as caught:
        cli.fetch(tmp_path, talk)
    assert site.asked == [f"/first{CHECKSUMS}", f"/second/v{VERSION}{CHECKSUMS}"]
    assert str(caught.value).count("HTTP 404") == 2


def test_the_download_can_be_switched_off(
    official: Site, cli: PulumiCli, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIDC_PULUMI_DOWNLOAD", "off")
    with pytest.raises(Unavailable, match="switched off by AIDC_PULUMI_DOWNLOAD"):
        cli.fetch(tmp_path, talk)
    assert official.asked == []


def test_a_machine_without_official_archive_is_told_so(
    cli: PulumiCli, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platforms, "current", lambda: ("linux", "riscv64"))
    with pytest.raises(Unavailable, match="linux/riscv64"):
        cli.fetch(tmp_path, talk)


def test_the_cli_has_the_version_of_the_installed_sdk() -> None:
    pinned = re.search(r"^pulumi==(\S+)$", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert pinned[1] == VERSION


def test_the_cache_tells_platforms_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home directory may be shared by machines of different kinds."""
    here = PulumiCli().key
    monkeypatch.setattr(platforms, "current", lambda: ("linux", "arm64"))
    assert PulumiCli().key.directory != here.directory
