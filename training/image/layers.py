"""Looks into an image as an archive (OCI layout or `docker save`): what its layers hold, also what was deleted later.

A file that a later layer deletes is gone for the program and still there for everybody who pulls the image. A secret in
a layer of ours is a failure, deleted or not; one in a layer of the base is known to the whole world already: it fails
while it can be read in the finished image, and is a warning once it is covered.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from training.errors import BadInput
from training.image.verify import KEY_BYTES, PRIVATE_KEY, SECRET_FILES

OUR_LABEL = "io.ai-datacenter.image"
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class Secret:
    """Something that must not be in an image. `layer` counts from 0 at the bottom."""

    path: str
    layer: int
    ours: bool
    visible: bool

    @property
    def verdict(self) -> str:
        return "fail" if self.ours or self.visible else "warn"


@dataclass
class Report:
    """What an archive says of itself."""

    user: str
    labels: Mapping[str, str]
    layers: int
    secrets: list[Secret] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """One line for each reason not to use the image."""
        found = [] if self.user.split(":")[0] not in ("", "0", "root") else ["the image runs as root"]
        if OUR_LABEL not in self.labels:
            found.append(f"the image has no label {OUR_LABEL}: it was not built from this context")
        for secret in self.secrets:
            if secret.verdict == "fail":
                whose = "ours" if secret.ours else "the base's"
                found.append(f"/{secret.path}: a secret in layer {secret.layer} ({whose})")
        return found


def scan(path: Path) -> Report:
    """Read an image archive. Raises BadInput when it is none."""
    try:
        with tarfile.open(path) as archive:
            config, names = _open(archive)
            first = _first_of_ours(config)
            found: dict[str, Secret] = {}
            for number, name in enumerate(names):
                with _layer(archive, name) as layer:
                    _cover(layer, found)
                    for entry in _secrets(layer):
                        found[f"{number}:{entry}"] = Secret(entry, number, number >= first, visible=True)
    except (tarfile.TarError, OSError, KeyError, ValueError, TypeError, IndexError) as problem:
        raise BadInput(f"{path}: not an image archive (OCI layout or docker save): {problem}") from None
    settings = config.get("config") or {}
    secrets = sorted(found.values(), key=lambda one: (one.layer, one.path))
    return Report(settings.get("User") or "", settings.get("Labels") or {}, len(names), secrets)


def _open(archive: tarfile.TarFile) -> tuple[dict[str, Any], list[str]]:
    """The image's configuration and the names of its layers in the archive, bottom first."""
    names = set(archive.getnames())
    if "manifest.json" in names:
        manifest = _json(archive, "manifest.json")[0]
        return _json(archive, manifest["Config"]), manifest["Layers"]
    entry = _json(archive, "index.json")["manifests"][0]
    document = _json(archive, _blob(entry["digest"]))
    while "manifests" in document:  # an index of platforms: the first is the image, others may be attestations
        document = _json(archive, _blob(document["manifests"][0]["digest"]))
    return _json(archive, _blob(document["config"]["digest"])), [_blob(one["digest"]) for one in document["layers"]]


def _blob(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _json(archive: tarfile.TarFile, name: str) -> Any:
    return json.load(_file(archive, name))


def _file(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is not a file")
    return found


def _layer(archive: tarfile.TarFile, name: str) -> tarfile.TarFile:
    return tarfile.open(fileobj=_file(archive, name), mode="r:*")


def _first_of_ours(config: Mapping[str, Any]) -> int:
    """The number of layers below our first instruction, from the history in the image's configuration."""
    below = 0
    for step in config.get("history") or ():
        if OUR_LABEL in (step.get("created_by") or ""):
            return below
        below += not step.get("empty_layer", False)
    return 0  # nothing tells them apart: all count as ours


def _cover(layer: tarfile.TarFile, found: dict[str, Secret]) -> None:
    """Mark what this layer deletes (OCI image specification, "Whiteouts")."""
    for entry in layer:
        path = PurePosixPath(entry.name.removeprefix("./"))
        if not path.name.startswith(WHITEOUT):
            continue
        gone = path.parent if path.name == OPAQUE else path.parent / path.name.removeprefix(WHITEOUT)
        for key, one in found.items():
            if PurePosixPath(one.path).is_relative_to(gone):
                found[key] = Secret(one.path, one.layer, one.ours, visible=False)


def _secrets(layer: tarfile.TarFile) -> Iterator[str]:
    for entry in layer:
        name = entry.name.removeprefix("./")
        if not entry.isfile() or not 0 < entry.size <= KEY_BYTES:
            continue
        if any(name.endswith("/" + secret) for secret in SECRET_FILES) or name.endswith("/authorized_keys"):
            yield name
        elif not name.endswith((".py", ".pyi", ".md", ".rst", ".txt", ".html")):
            file = layer.extractfile(entry)
            if file is not None and PRIVATE_KEY.match(file.read().lstrip()):
                yield name
