"""A download is whole and right, or it fails soon and says why in one line."""

from __future__ import annotations

import errno
import hashlib
import socket
import threading
from pathlib import Path

import pytest

from sandbox.toolchain import download
from sandbox.toolchain.download import Limits
from sandbox.toolchain.tool import Unavailable
from tests.sandbox.toolchain.conftest import Site
from tests.sandbox.toolchain.fakes import LONG, SHORT

CONTENT = b"0123456789" * 100_000


def ignore(_done: int, _total: int | None) -> None:
    pass


def test_a_file_arrives_whole_and_its_progress_is_told(site: Site, tmp_path: Path) -> None:
    site.files["/file"] = CONTENT
    told: list[tuple[int, int | None]] = []
    download.fetch(f"{site.address}/file", tmp_path / "file", lambda done, total: told.append((done, total)))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("manner", "limits", "reason"),
    [
        (404, LONG, "answered HTTP 404 for /file"),
        (503, LONG, "answered HTTP 503 for /file"),
        ("truncated", LONG, "the transfer from 127.0.0.1:{port} broke off"),
        ("silent", SHORT, "127.0.0.1:{port} sent nothing for 2 s"),
        ("stalling", SHORT, "127.0.0.1:{port} sent nothing for 2 s"),
    ],
)
def test_a_server_that_misbehaves_is_asked_once_and_named(
    site: Site, tmp_path: Path, manner: str | int, limits: Limits, reason: str
) -> None:
    site.files["/file"] = CONTENT
    site.manners["/file"] = manner
    with pytest.raises(Unavailable) as caught:
        download.fetch(f"{site.address}/file", tmp_path / "file", ignore, limits)
    assert reason.format(port=site.address.rpartition(":")[2]) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert site.asked == ["/file"]


def test_a_refused_connection_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]  # bound and not listening: nobody else can take it
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} refuses the connection"):
            download.fetch(f"http://127.0.0.1:{port}/x", tmp_path / "x", ignore)


def test_a_connection_that_is_cut_is_not_tried_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[int] = []

        def cut() -> None:
            connection, _ = listener.accept()
            accepted.append(1)
            connection.close()
            listener.settimeout(0.5)
            try:
                listener.accept()
                accepted.append(1)
            except TimeoutError:
                pass

        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(Unavailable, match="broke off"):
            download.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/x", tmp_path / "x", ignore)
        thread.join()
    assert accepted == [1]


def test_a_name_that_does_not_resolve_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"the name get.example.com cannot be resolved"):
        download.fetch("https://get.example.com/x", tmp_path / "x", ignore)


def test_a_name_server_that_never_answers_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No library time-out covers name resolution."""
    end = threading.Event()

    def hang(*_: object, **__: object) -> None:
        end.wait()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        with pytest.raises(Unavailable, match=r"get.example.com sent nothing for 2 s"):
            download.fetch("https://get.example.com/x", tmp_path / "x", ignore, SHORT)
    finally:
        end.set()


def test_credentials_in_an_address_are_not_shown(tmp_path: Path, site: Site) -> None:
    address = site.address.replace("http://", "http://user:secret@")
    with pytest.raises(Unavailable) as caught:
        download.fetch(f"{address}/missing", tmp_path / "x", ignore)
    assert "HTTP 404" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"is not an http\(s\) address"):
        download.fetch("ftp://example.com/x", tmp_path / "x", ignore)


def test_a_full_disk_is_not_taken_for_a_network_fault(site: Site) -> None:
    site.files["/file"] = CONTENT
    with pytest.raises(OSError, match="No space left") as caught:
        download.fetch(f"{site.address}/file", Path("/dev/full"), ignore)
    assert caught.value.errno == errno.ENOSPC


SHA256, SHA512 = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha512(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "listing",
    [
        f"{'0' * 64}  other.tar.gz\n{SHA256}  file.tar.gz\n",
        f"{SHA256.upper()} *file.tar.gz\n",
        f"{SHA512}  ./file.tar.gz\n",
        SHA512,
    ],
    ids=["list", "binary-mode", "sha512", "alone"],
)
def test_published_checksums_are_read_in_every_usual_form(listing: str, tmp_path: Path) -> None:
    checksum = download.published_checksum(listing, "file.tar.gz")
    path = tmp_path / "file.tar.gz"
    path.write_bytes(CONTENT)
    download.verify(path, checksum)
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(Unavailable, match=r"checksum of file.tar.gz is wrong"):
        download.verify(path, checksum)
    assert not path.exists()


@pytest.mark.parametrize("listing", ["", f"{SHA256}  file.tar.gz.sig\n", "<html>not found</html>"])
def test_a_file_without_a_published_checksum_is_refused(listing: str) -> None:
    with pytest.raises(Unavailable, match=r"no checksum is published for file.tar.gz"):
        download.published_checksum(listing, "file.tar.gz")


def test_an_address_can_be_replaced_or_ruled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.base("AIDC_X", "https://example.com/") == "https://example.com"
    monkeypatch.setenv("AIDC_X", "https://mirror.example.com/pulumi/")
    assert download.base("AIDC_X", "https://example.com") == "https://mirror.example.com/pulumi"
    monkeypatch.setenv("AIDC_X", "off")
    with pytest.raises(Unavailable, match="switched off by AIDC_X"):
        download.base("AIDC_X", "https://example.com")


def test_a_proxy_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(
            Unavailable, match=r"the proxy cannot be reached or refuses to connect to get\.example\.com"
        ):
            download.fetch("https://get.example.com/x", tmp_path / "x", ignore)
