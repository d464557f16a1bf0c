"""The build context: the files an image is made of, packed the same way byte for byte wherever it is done.

The same files give the same archive and the same digest, so a digest in a tag says what is inside, and a builder can
tell that it has built this before. No clock, no owner and no order of a file system gets in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from training.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = "training/image/Dockerfile"
KINDS = ("*.py", "requirements.txt", "*.yaml", "*.json")
"""What of `training/` goes into the image; caches, results and notes do not."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can name."""


def files(root: Path = ROOT) -> dict[str, bytes]:
    """Name in the context -> content, in the order of their names. `Dockerfile` lies at the top, where builders look.

    Raises BadInput when the folder has no Dockerfile.
    """
    dockerfile = root / DOCKERFILE
    if not dockerfile.is_file():
        raise BadInput(f"{dockerfile}: there is no Dockerfile; run this from a checkout of the toolkit")
    names = {path for kind in KINDS for path in (root / "training").rglob(kind) if path.is_file()}
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in names if "__pycache__" not in path.parts}
    return dict(sorted({"Dockerfile": dockerfile.read_bytes(), **found}.items()))


def digest(content: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, hexadecimal."""
    total = hashlib.sha256()
    for name, data in content.items():
        total.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.hexdigest()


def tag(content: Mapping[str, bytes], base: str, platform: str = "linux/amd64", expect: str = "") -> str:
    """The tag of an image: what it is made of, base included, for which platform and held against what.

    Equal tags are equal contents: a base may have one digest for several platforms, and an image that was never held
    against an expectation is not one that meets it.
    """
    parts = (digest(content), base, platform, ",".join(sorted(filter(None, expect.split(",")))))
    return "c-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def tar(content: Mapping[str, bytes]) -> bytes:
    """As .tar.gz, what BuildKit, Docker and Cloud Build take."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), mtime=0)


def unpack(content: Mapping[str, bytes], folder: Path) -> None:
    """As a folder. Modes are those of the archives, whatever the umask: builders copy them, and others must read."""
    for name, data in content.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o644)
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        inner.chmod(0o755)


def archive_zip(content: Mapping[str, bytes]) -> bytes:
    """As .zip, what CodeBuild takes from a bucket."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return raw.getvalue()


def pinned(base: str) -> str:
    """The base image, if it is pinned by digest. Raises BadInput: a tag can become another image any day."""
    name, found, value = base.partition("@sha256:")
    if not found or not name or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise BadInput(
            f"base: {base or 'nothing'} is not pinned; give name@sha256:<64 hexadecimal digits> (`docker buildx "
            "imagetools inspect <name>` or `crane digest <name>` looks it up)"
        )
    return base
