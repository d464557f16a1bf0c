"""What an image is made of: Python distributions and packages of the system, as CycloneDX.

Lies in the image itself, so that it is there whatever builder was used (those with BuildKit attach one of their own to
the pushed image as well). Standard library only. Without clock and random numbers: the same image, the same bytes.
Left out: files that no package owns, such as a CUDA that was unpacked by hand.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from training.image import places

FILE = "sbom.cdx.json"
"""Its name, beside the program."""
METADATA = re.compile(r"^METADATA$")
RPM_FORMAT = r"%{NAME}\t%{EVR}\t%{ARCH}\n"


class Package(NamedTuple):
    """`kind` is a type of package URL: pypi, deb, rpm."""

    kind: str
    name: str
    version: str
    architecture: str = ""

    def url(self, system: str) -> str:
        """As package URL; `system` is the distribution's name for itself."""
        owner = "" if self.kind == "pypi" else f"{system}/"
        suffix = f"?arch={self.architecture}" if self.architecture else ""
        return f"pkg:{self.kind}/{owner}{quote(self.name)}@{quote(self.version, safe='')}{suffix}"


def packages(root: Path = Path("/")) -> list[Package]:
    """Everything found below a root folder, in order, each once."""
    return sorted({*python(root), *_dpkg(root / "var/lib/dpkg/status"), *_rpm(root)})


def python(root: Path) -> Iterator[Package]:
    """Distributions of every Python in the image, whichever of them runs this."""
    for path in places.below(root, places.LIBRARIES, METADATA):
        if not path.parent.name.endswith(".dist-info"):
            continue
        head = path.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        said = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line[:20])
        if "Name" in said and "Version" in said:
            yield Package("pypi", re.sub(r"[-_.]+", "-", said["Name"]).lower(), said["Version"].strip())


def _dpkg(status: Path) -> Iterator[Package]:
    if not status.is_file():
        return
    for entry in status.read_text(encoding="utf-8").split("\n\n"):
        said = dict(line.split(": ", 1) for line in entry.splitlines() if re.match(r"[A-Z][\w-]*: ", line))
        if said.get("Status", "").endswith(" installed"):
            yield Package("deb", said["Package"], said["Version"], said["Architecture"])


def _rpm(root: Path) -> Iterator[Package]:
    program = shutil.which("rpm")
    if program is None or not any((root / place).is_dir() for place in ("var/lib/rpm", "usr/lib/sysimage/rpm")):
        return
    command = [program, f"--root={root.resolve()}", "-qa", f"--queryformat={RPM_FORMAT}"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        name, version, architecture = line.split("\t")
        if name != "gpg-pubkey":  # a key in rpm's store, not a package
            yield Package("rpm", name, version, architecture)


def document(found: list[Package], root: Path = Path("/")) -> dict[str, Any]:
    """The bill of materials (CycloneDX 1.6)."""
    release = root / "etc/os-release"
    lines = release.read_text(encoding="utf-8").splitlines() if release.is_file() else []
    said = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    system = said.get("ID", "linux")
    base = {"type": "operating-system", "name": system, "version": said.get("VERSION_ID", "")}
    urls = [one.url(system) for one in found]
    components = [
        {"type": "library", "bom-ref": url, "name": one.name, "version": one.version, "purl": url}
        for one, url in zip(found, urls, strict=True)
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [base, *components]}


def differences(path: Path, root: Path = Path("/")) -> list[str]:
    """Package URLs that are on paper or in the image, but not in both. Raises OSError, ValueError when unreadable."""
    told = {one.get("purl") for one in json.loads(path.read_text(encoding="utf-8"))["components"]} - {None}
    there = {one.get("purl") for one in document(packages(root), root)["components"]} - {None}
    return sorted(told ^ there)


def main() -> None:
    """Write the bill of materials of this machine to stdout."""
    json.dump(document(packages()), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
