"""The Pulumi CLI: its pinned version (the one in pulumi/go.mod), its official archive, and how it is built.

Where it is built from its module there is no official language host for Python; `sandbox.engine` has one.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from sandbox.toolchain import download, golang, platforms
from sandbox.toolchain.download import Limits
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Key, require_space
from sandbox.toolchain.tool import Unavailable

NAME = "pulumi"
DIRECTORY = Path(__file__).with_name("pulumi")
PACKAGE = "github.com/pulumi/pulumi/pkg/v3"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
ADDRESS_VARIABLE = "AIDC_PULUMI_DOWNLOAD"
OFFICIAL = "https://get.pulumi.com/releases/sdk"
MIRROR = "https://github.com/pulumi/pulumi/releases/download/v{version}"
ARCHITECTURES = {"amd64": "x64", "arm64": "arm64"}
"""Pulumi's names of the architectures that it publishes archives for."""
SPACE = 1 << 30
"""Bytes: the archive and what we unpack of it take about 0.2 GB each."""
BUILD_SPACE = 4 << 30
"""Bytes: 1.4 GB of modules, 1.7 GB of object files."""


class PulumiCli:
    """How the CLI is recognised and got."""

    name = NAME

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()

    @property
    def version(self) -> str:
        return golang.pinned(DIRECTORY, PACKAGE).removeprefix("v")

    @property
    def key(self) -> Key:
        files = DIRECTORY / "go.mod", DIRECTORY / "go.sum"
        return Key(NAME, self.version, platforms.inputs(*files, extra=" ".join(self.module.flags)))

    @property
    def module(self) -> golang.Module:
        stamp = f"-X {VERSION_VARIABLE}=v{self.version}"
        needs = (PACKAGE, f"v{self.version}")
        return golang.Module(DIRECTORY, f"{PACKAGE}/cmd/pulumi", ("-s", "-w", stamp), needs, BUILD_SPACE)

    def works(self, path: Path) -> bool:
        """Whether the program runs and is of the right version."""
        env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        return platforms.first_line([str(path), "version"], env) == f"v{self.version}"

    def fetch(self, scratch: Path, progress: Progress) -> str:
        """The official archive: the CLI and its Python language host. Returns the main file. Raises Unavailable."""
        system, architecture = platforms.current()
        if architecture not in ARCHITECTURES or system not in {"linux", "darwin"}:
            raise Unavailable(f"there is no official archive for {system}/{architecture}")
        require_space(scratch, SPACE, "the Pulumi CLI")
        archive = f"pulumi-v{self.version}-{system}-{ARCHITECTURES[architecture]}.tar.gz"
        reasons: list[str] = []
        for address in self._addresses():
            try:
                listing = download.fetch_text(f"{address}/pulumi-{self.version}-checksums.txt", scratch, self.limits)
                checksum = download.published_checksum(listing, archive)
                download.fetch_shown(f"{address}/{archive}", scratch / archive, progress, self.limits)
                download.verify(scratch / archive, checksum)
            except Unavailable as error:
                reasons.append(str(error))
            else:
                return unpack(scratch / archive, scratch)
        raise Unavailable("; ".join(reasons))

    def _addresses(self) -> list[str]:
        """Where the archive may be had, in order."""
        first = download.base(ADDRESS_VARIABLE, OFFICIAL)
        return [first] if first != OFFICIAL else [OFFICIAL, MIRROR.format(version=self.version)]


def unpack(archive: Path, target: Path) -> str:
    """The CLI and what it needs for Python; other languages' hosts are left out. Returns the main file."""
    binaries = target / "bin"
    binaries.mkdir()
    try:
        with tarfile.open(archive) as files:
            for member in files:
                name = Path(member.name).name
                source = files.extractfile(member) if member.isfile() else None
                if source is not None and (name == NAME or "python" in name):
                    with (binaries / name).open("wb") as file:
                        shutil.copyfileobj(source, file)
                    (binaries / name).chmod(0o755)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Unavailable(f"{archive.name} cannot be unpacked: {error}") from None
    archive.unlink()
    if not (binaries / NAME).exists():
        raise Unavailable(f"{archive.name} holds no {NAME}")
    return f"bin/{NAME}"
