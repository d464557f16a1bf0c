"""A small image is really built and pushed with buildah, where it is installed. No base is fetched from anywhere."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.builders import Build, buildah
from tests.operations.builders.registry import Registry
from training.image import layers

pytestmark = [
    pytest.mark.skipif(shutil.which("buildah") is None, reason="buildah is not installed; other tests use a stand-in"),
    pytest.mark.skipif(os.getuid() != 0, reason="without root, buildah needs subordinate ids (/etc/subuid)"),
]
KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"
DOCKERFILE = b"""\
ARG BASE
FROM ${BASE}
LABEL io.ai-datacenter.image="training"
COPY training /opt/training
ARG REVISION
LABEL org.opencontainers.image.revision="${REVISION}"
USER 1000:1000
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    server = Registry()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    configuration = tmp_path / "registries.conf"
    configuration.write_text(f'[[registry]]\nlocation = "{server.address}"\ninsecure = true\n', encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(configuration))
    monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
    yield server
    server.shutdown()
    server.server_close()


def storage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container storage of its own, in which nothing was built yet."""
    folder.mkdir()
    path = folder / "storage.conf"
    path.write_text(f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/images"\n', "utf-8")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(path))


def test_the_same_context_is_the_same_digest_wherever_it_is_built(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"{registry.address}/base@{registry.image({'bin/sh': b'#', 'root/.ssh/id': KEY})}"
    content = {"Dockerfile": DOCKERFILE, "training/a.py": b"1\n", "training/key": KEY}
    wanted = Build(content, f"{registry.address}/site/training", "c-1", base, "abc")
    digests = []
    for name, umask in (("here", 0o022), ("there", 0o077)):
        storage(tmp_path / name, monkeypatch)
        before = os.umask(umask)
        try:
            digests.append(buildah.build(wanted))
        finally:
            os.umask(before)
    assert digests[0] == digests[1] == registry.tags["c-1"]

    report = layers.scan(registry.archive(digests[0], tmp_path / "image.tar"))
    assert report.user == "1000:1000"
    assert report.labels["org.opencontainers.image.revision"] == "abc"
    assert report.problems == [
        "/root/.ssh/id: a secret in layer 0 (the base's)",
        "/opt/training/key: a secret in layer 1 (ours)",
    ]
