"""A secret in a layer is found, also when a later layer deletes it; the base's are told from ours."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from training.errors import BadInput
from training.image import layers

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n"


def tar(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def config(below: int, total: int, user: str = "1000:1000") -> bytes:
    steps = [{"created_by": f"RUN {number}"} for number in range(total)]
    ours = {"created_by": f"LABEL {layers.OUR_LABEL}=training", "empty_layer": True}
    settings = {"User": user, "Labels": {layers.OUR_LABEL: "training"}}
    return json.dumps({"config": settings, "history": [*steps[:below], ours, *steps[below:]]}).encode()


def docker(path: Path, *content: dict[str, bytes], below: int = 1, user: str = "1000:1000") -> Path:
    """What `docker save` writes."""
    names = [f"{number}/layer.tar" for number in range(len(content))]
    manifest = json.dumps([{"Config": "c.json", "Layers": names}]).encode()
    packed = {name: tar(files) for name, files in zip(names, content, strict=True)}
    path.write_bytes(tar({"manifest.json": manifest, "c.json": config(below, len(content), user), **packed}))
    return path


def oci(path: Path, *content: dict[str, bytes], below: int = 1) -> Path:
    """What BuildKit writes: an index of platforms over blobs."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes) -> dict[str, str]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}"}

    manifest = {"config": blob(config(below, len(content))), "layers": [blob(tar(files)) for files in content]}
    platforms = blob(json.dumps({"manifests": [blob(json.dumps(manifest).encode())]}).encode())
    path.write_bytes(tar({"index.json": json.dumps({"manifests": [platforms]}).encode(), **blobs}))
    return path


@pytest.mark.parametrize("write", [docker, oci])
def test_a_key_in_a_layer_of_ours_fails_even_when_it_was_deleted(tmp_path: Path, write) -> None:
    made = write(tmp_path / "image.tar", {"bin/sh": b"#"}, {"root/.ssh/id": KEY}, {"root/.ssh/.wh.id": b""})
    report = layers.scan(made)
    (secret,) = report.secrets
    assert (secret.path, secret.layer, secret.ours, secret.visible) == ("root/.ssh/id", 1, True, False)
    assert report.problems == ["/root/.ssh/id: a secret in layer 1 (ours)"]


@pytest.mark.parametrize("mark", ["root/.wh..ssh", "root/.ssh/.wh..wh..opq", "root/.ssh/.wh.id"])
def test_a_key_of_the_base_is_a_warning_once_it_is_covered(tmp_path: Path, mark: str) -> None:
    report = layers.scan(docker(tmp_path / "image.tar", {"root/.ssh/id": KEY}, {mark: b""}))
    assert [secret.verdict for secret in report.secrets] == ["warn"]
    assert report.problems == []


def test_a_key_of_the_base_that_can_still_be_read_fails(tmp_path: Path) -> None:
    report = layers.scan(docker(tmp_path / "image.tar", {"root/.ssh/id": KEY}, {"a": b"1"}))
    assert report.problems == ["/root/.ssh/id: a secret in layer 0 (the base's)"]


def test_credentials_files_are_found_by_name(tmp_path: Path) -> None:
    report = layers.scan(docker(tmp_path / "image.tar", {}, {"root/.docker/config.json": b"{}", "src/key.py": KEY}))
    assert [secret.path for secret in report.secrets] == ["root/.docker/config.json"]


def test_an_image_that_runs_as_root_fails(tmp_path: Path) -> None:
    for user in ("", "0", "root", "0:0"):
        assert layers.scan(docker(tmp_path / "image.tar", {}, user=user)).problems == ["the image runs as root"]


@pytest.mark.parametrize("content", [b"", b"not a tar", tar({"a": b"1"}), tar({"manifest.json": b"[]"})])
def test_what_is_no_image_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"image\.tar: not an image archive") as error:
        layers.scan(path)
    assert len(error.value.problems) == 1
