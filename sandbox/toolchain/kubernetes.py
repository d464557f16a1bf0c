"""The Kubernetes program `kube`: etcd, API server, controller manager, scheduler, kwok and kubectl behind one command.

Built from kube/ it is one program; from the official downloads it is a script that starts one of six. Both take the
name of the part as first argument and answer `kube version` with the same stamp, by which alone `kube` is recognised.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from sandbox.toolchain import download, golang, platforms
from sandbox.toolchain.download import Limits
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Key, require_space
from sandbox.toolchain.tool import Unavailable

NAME = "kube"
DIRECTORY = Path(__file__).with_name("kube")
KUBERNETES, ETCD, KWOK = "k8s.io/kubernetes", "go.etcd.io/etcd/server/v3", "sigs.k8s.io/kwok"
SERVERS = {
    "apiserver": "kube-apiserver",
    "controller-manager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
    "kubectl": "kubectl",
}
"""Part of `kube` to the program's name on dl.k8s.io."""
PARTS = {"etcd": "etcd", "kwok": "kwok", **SERVERS}
SPACE = 1 << 30
"""Bytes: the six programs take about 0.5 GB."""
BUILD_SPACE = 7 << 30
"""Bytes: 2 GB of modules and 4.8 GB of object files, Pulumi's among them."""


class Kube:
    """How the program is recognised and got."""

    name = NAME

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()

    @property
    def version(self) -> str:
        return golang.pinned(DIRECTORY, KUBERNETES).removeprefix("v")

    @property
    def key(self) -> Key:
        files = [DIRECTORY / name for name in ("main.go", "go.mod", "go.sum")]
        return Key(NAME, self.version, platforms.inputs(*files, extra=" ".join(self._stamps())))

    @property
    def stamp(self) -> str:
        """What `kube version` prints: `kube 1.36.3 <hash of what it is made from>`."""
        key = self.key
        return f"{NAME} {key.version} {key.inputs[:12]}"

    @property
    def module(self) -> golang.Module:
        flags = ("-s", "-w", *self._stamps(), f"-X 'main.stamp={self.stamp}'")
        return golang.Module(DIRECTORY, ".", flags, (KUBERNETES, f"v{self.version}"), BUILD_SPACE)

    def _stamps(self) -> list[str]:
        """What Kubernetes' own build sets (hack/lib/version.sh), as far as it is known here."""
        major, minor, _ = self.version.split(".", 2)
        values = {
            "gitVersion": f"v{self.version}",
            "gitMajor": major,
            "gitMinor": minor,
            "gitTreeState": "archive",
            "gitCommit": "",
            "buildDate": "1970-01-01T00:00:00Z",
        }
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        return [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]

    def works(self, path: Path) -> bool:
        """Whether the program runs and was made from the same sources."""
        return platforms.first_line([str(path), "version"]) == self.stamp

    def fetch(self, scratch: Path, progress: Progress) -> str:
        """The official programs and a script in front of them. Returns the main file. Raises Unavailable."""
        system, architecture = platforms.current()
        if system != "linux" or architecture not in {"amd64", "arm64"}:
            raise Unavailable(f"there are no official Kubernetes servers for {system}/{architecture}")
        require_space(scratch, SPACE, "the Kubernetes programs")
        (scratch / "bin").mkdir()
        self._fetch_servers(scratch, progress, f"{system}/{architecture}")
        self._fetch_etcd(scratch, progress, f"{system}-{architecture}")
        self._fetch_kwok(scratch, progress, f"{system}-{architecture}")
        for program in PARTS.values():
            (scratch / "bin" / program).chmod(0o755)
        main = scratch / "bin" / NAME
        main.write_text(script(self.stamp))
        main.chmod(0o755)
        return f"bin/{NAME}"

    def _fetch_servers(self, scratch: Path, progress: Progress, system: str) -> None:
        address = download.base("AIDC_KUBERNETES_DOWNLOAD", "https://dl.k8s.io/release")
        for program in SERVERS.values():
            url, target = f"{address}/v{self.version}/bin/{system}/{program}", scratch / "bin" / program
            listing = download.fetch_text(f"{url}.sha512", scratch, self.limits)
            download.fetch_shown(url, target, progress, self.limits)
            download.verify(target, download.published_checksum(listing, program))

    def _fetch_etcd(self, scratch: Path, progress: Progress, system: str) -> None:
        version = golang.pinned(DIRECTORY, ETCD)
        address = download.base("AIDC_ETCD_DOWNLOAD", "https://github.com/etcd-io/etcd/releases/download")
        archive = f"etcd-{version}-{system}.tar.gz"
        listing = download.fetch_text(f"{address}/{version}/SHA256SUMS", scratch, self.limits)
        download.fetch_shown(f"{address}/{version}/{archive}", scratch / archive, progress, self.limits)
        download.verify(scratch / archive, download.published_checksum(listing, archive))
        try:
            with tarfile.open(scratch / archive) as files:
                source = files.extractfile(f"etcd-{version}-{system}/etcd")
                assert source is not None, "etcd is a file"
                with (scratch / "bin" / "etcd").open("wb") as file:
                    shutil.copyfileobj(source, file)
        except (tarfile.TarError, EOFError, KeyError) as error:
            raise Unavailable(f"{archive} cannot be unpacked: {error}") from None
        (scratch / archive).unlink()

    def _fetch_kwok(self, scratch: Path, progress: Progress, system: str) -> None:
        """kwok publishes no list of checksums; GitHub's description of the release has the digest of each file."""
        version = golang.pinned(DIRECTORY, KWOK)
        address = download.base("AIDC_KWOK_DOWNLOAD", "https://github.com/kubernetes-sigs/kwok/releases/download")
        releases = download.base(
            "AIDC_KWOK_RELEASES", "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags"
        )
        file, target = f"kwok-{system}", scratch / "bin" / "kwok"
        text = download.fetch_text(f"{releases}/{version}", scratch, self.limits)
        try:
            digests = {asset["name"]: asset["digest"] for asset in json.loads(text)["assets"]}
            checksum = str(digests[file]).removeprefix("sha256:")
        except (ValueError, KeyError, TypeError):
            raise Unavailable(f"no checksum is published for {file}") from None
        download.fetch_shown(f"{address}/{version}/{file}", target, progress, self.limits)
        download.verify(target, download.published_checksum(checksum, file))


def script(stamp: str) -> str:
    """The front of the official programs: the same interface as the built program."""
    cases = "".join(f'  {part}) exec "$here/{program}" "$@" ;;\n' for part, program in sorted(PARTS.items()))
    return (
        "#!/bin/sh\n"
        'here=$(dirname "$(readlink -f "$0")")\n'
        "part=${1:-}\n"
        "[ $# -eq 0 ] || shift\n"
        'case "$part" in\n'
        f"{cases}"
        f"  version) echo '{stamp}' ;;\n"
        f"  *) echo 'usage: {NAME} {'|'.join(sorted(PARTS))}|version [flags]' >&2; exit 2 ;;\n"
        "esac\n"
    )
