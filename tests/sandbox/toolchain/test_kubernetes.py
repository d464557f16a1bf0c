"""The Kubernetes programs answer as one, whether built as one or downloaded as six."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox.toolchain import getting, golang, kubernetes, platforms
from sandbox.toolchain.kubernetes import Kube
from sandbox.toolchain.tool import Tool, Unavailable
from tests.sandbox.toolchain.conftest import Site
from tests.sandbox.toolchain.fakes import LONG, SHORT, Talk, executable, settings

VERSION = Kube().version
ETCD, KWOK = (golang.pinned(kubernetes.DIRECTORY, name) for name in (kubernetes.ETCD, kubernetes.KWOK))


def program(name: str) -> bytes:
    return f'#!/bin/sh\necho {name} "$@"\nexit 3\n'.encode()


@pytest.fixture
def kube() -> Kube:
    return Kube(LONG)


@pytest.fixture
def official(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The releases as they are published."""
    monkeypatch.setattr(platforms, "current", lambda: ("linux", "amd64"))
    for name in kubernetes.SERVERS.values():
        path = f"/v{VERSION}/bin/linux/amd64/{name}"
        site.files[path] = program(name)
        site.files[f"{path}.sha512"] = hashlib.sha512(program(name)).hexdigest().encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"etcd-{ETCD}-linux-amd64/etcd")
        info.size = len(program("etcd"))
        tar.addfile(info, io.BytesIO(program("etcd")))
    archive = f"etcd-{ETCD}-linux-amd64.tar.gz"
    site.files[f"/{ETCD}/{archive}"] = buffer.getvalue()
    site.files[f"/{ETCD}/SHA256SUMS"] = f"{hashlib.sha256(buffer.getvalue()).hexdigest()}  {archive}\n".encode()
    site.files[f"/{KWOK}/kwok-linux-amd64"] = program("kwok")
    digest = f"sha256:{hashlib.sha256(program('kwok')).hexdigest()}"
    site.files[f"/releases/{KWOK}"] = json.dumps({"assets": [{"name": "kwok-linux-amd64", "digest": digest}]}).encode()
    for name in ("KUBERNETES", "ETCD", "KWOK"):
        monkeypatch.setenv(f"AIDC_{name}_DOWNLOAD", site.address)
    monkeypatch.setenv("AIDC_KWOK_RELEASES", f"{site.address}/releases")
    return site


@pytest.fixture
def tool(official: Site, kube: Kube, tmp_path: Path, talk: Talk) -> Tool:
    del official
    return getting.get(kube, settings(tmp_path), talk)


@pytest.mark.parametrize(("part", "name"), sorted(kubernetes.PARTS.items()))
def test_each_part_is_started_with_its_own_arguments(tool: Tool, part: str, name: str) -> None:
    result = subprocess.run(tool.command(part, "--a b", "c"), capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == (f"{name} --a b c\n", 3)


def test_the_downloaded_programs_answer_to_the_stamp(tool: Tool, kube: Kube, tmp_path: Path) -> None:
    assert tool.origin == "download"
    assert kube.works(tool.path)
    link = tmp_path / "kube"
    link.symlink_to(tool.path)
    assert kube.works(link)
    started = subprocess.run([link, "etcd"], capture_output=True, text=True, check=False)
    assert started.stdout == "etcd\n"


@pytest.mark.parametrize("arguments", [[], ["kubelet"]])
def test_an_unknown_part_is_a_usage_error(tool: Tool, arguments: list[str]) -> None:
    result = subprocess.run(tool.command(*arguments), capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "usage: kube apiserver|controller-manager|etcd|kubectl|kwok|scheduler|version" in result.stderr


def test_the_built_program_has_the_same_parts() -> None:
    source = (kubernetes.DIRECTORY / "main.go").read_text()
    table = source.partition("var parts = ")[2].partition("\n}\n")[0]
    assert set(re.findall(r'^\t"([^"]+)":', table, re.MULTILINE)) == {*kubernetes.PARTS, "version"}


@pytest.mark.parametrize(
    "path",
    [
        f"/v{VERSION}/bin/linux/amd64/kube-apiserver",
        f"/v{VERSION}/bin/linux/amd64/kubectl",
        f"/{ETCD}/etcd-{ETCD}-linux-amd64.tar.gz",
        f"/{KWOK}/kwok-linux-amd64",
    ],
)
def test_one_exchanged_file_spoils_the_download(
    official: Site, kube: Kube, tmp_path: Path, talk: Talk, path: str
) -> None:
    official.files[path] += b"#"
    with pytest.raises(Unavailable, match=r"the checksum of .* is wrong"):
        kube.fetch(tmp_path, talk)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (f"/releases/{KWOK}", b'{"assets": [{"name": "kwok-linux-amd64", "digest": null}]}'),
        (f"/releases/{KWOK}", b'{"assets": [{"name": "kwok-linux-amd64"}]}'),
        (f"/releases/{KWOK}", b"<html>"),
        (f"/{ETCD}/SHA256SUMS", b""),
    ],
)
def test_a_file_without_published_checksum_is_refused(
    official: Site, kube: Kube, tmp_path: Path, talk: Talk, path: str, content: bytes
) -> None:
    official.files[path] = content
    with pytest.raises(Unavailable, match="no checksum is published"):
        kube.fetch(tmp_path, talk)


def test_without_network_only_one_server_is_asked(official: Site, kube: Kube, tmp_path: Path, talk: Talk) -> None:
    path = f"/v{VERSION}/bin/linux/amd64/kube-apiserver.sha512"
    official.manners[path] = "silent"
    kube.limits = SHORT
    with pytest.raises(Unavailable, match="sent nothing"):
        kube.fetch(tmp_path, talk)
    assert official.asked == [path]


@pytest.mark.parametrize("platform", [("darwin", "arm64"), ("linux", "s390x")])
def test_a_platform_without_official_servers_is_told(
    kube: Kube, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch, platform: tuple[str, str]
) -> None:
    monkeypatch.setattr(platforms, "current", lambda: platform)
    with pytest.raises(Unavailable, match="/".join(platform)):
        kube.fetch(tmp_path, talk)


def test_only_our_own_program_is_taken_from_path(bare: Path, tmp_path: Path, kube: Kube) -> None:
    executable(bare / "kube", f"#!/bin/sh\necho kube {VERSION}\n")
    assert getting.present(kube, settings(tmp_path)) is None
    executable(bare / "kube", f"#!/bin/sh\necho {kube.stamp}\n")
    found = getting.present(kube, settings(tmp_path))
    assert found is not None
    assert found.origin == "path"


def test_the_build_is_stamped_with_the_versions_that_it_is_made_of(kube: Kube) -> None:
    flags = kube.module.flags
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        assert f"-X {package}.gitVersion=v{VERSION}" in flags
    assert f"-X 'main.stamp={kube.stamp}'" in flags
