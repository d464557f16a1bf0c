"""The root file system of a container: this machine's own, read through an overlay, with private and mounted parts.

Runs inside the container's new mount namespace, before the program. What the container writes goes to a tmpfs that
vanishes with it. Leaves out: image layers; "the image" is this machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sandbox.node import linux
from sandbox.node.launch import Launch, Mount

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
         "ptmx": "pts/ptmx"}  # fmt: skip
SYSTEM = ("/bin", "/etc", "/lib", "/lib64", "/opt", "/sbin", "/usr", "/var")
QUIET = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
MAX_LINKS = 40
"""As the kernel's own limit, path_resolution(7)."""


def enter(folder: Path, launch: Launch) -> None:
    """Build the root under `folder` and make it the root of this process."""
    linux.mount("none", Path("/"), flags=linux.MS_REC | linux.MS_PRIVATE)
    root = _overlay(folder)
    for path in SYSTEM:
        # An overlay does not cross mounts: a part of the system on a file system of its own would be empty.
        if os.path.ismount(path) and not Path(path).is_symlink():
            bind(root, Mount(path, path, read_only=True))
    _kernel_files(root)
    masks = [_mask(root, path) for path in launch.masked if Path(path).is_dir()]
    for mount in sorted(launch.mounts, key=lambda mount: PurePosixPath(mount.target).parts):
        bind(root, mount)
    resolve(root, launch.directory).mkdir(parents=True, exist_ok=True)
    if launch.read_only_root:
        # A volume mounted right over a masked folder, such as /tmp, is what that path means now: it stays as it is.
        volumes = {resolve(root, mount.target) for mount in launch.mounts}
        for path in (root, *(mask for mask in masks if mask not in volumes)):
            _remount_read_only(path)
    linux.pivot_root(root)


def resolve(root: Path, target: str) -> Path:
    """Where `target`, a path inside the container, lies under `root`. Links are followed as the container sees them:
    followed from outside, `/var/run` -> `/run` would lead to this machine's own `/run`."""
    found, rest, links = PurePosixPath("/"), list(reversed(PurePosixPath(target).parts)), 0
    while rest:
        part = rest.pop()
        if part in {"/", "."}:
            continue
        if part == "..":
            found = found.parent
            continue
        there = root / found.relative_to("/") / part
        if not there.is_symlink():
            found /= part
            continue
        links += 1
        if links > MAX_LINKS:
            raise OSError(f"{target}: too many symbolic links")
        link = PurePosixPath(there.readlink())
        if link.is_absolute():
            found = PurePosixPath("/")
        rest.extend(reversed(link.parts))
    return root / found.relative_to("/")


def bind(root: Path, mount: Mount) -> None:
    """Show `mount.source` at `mount.target`, making the place for it when there is none."""
    source, target = Path(mount.source), resolve(root, mount.target)
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.mount(mount.source, target, flags=linux.MS_BIND | linux.MS_REC)
    if mount.read_only:
        _remount_read_only(target)


def _overlay(folder: Path) -> Path:
    layer = folder / "layer"
    layer.mkdir(exist_ok=True)
    # Upper and work folder must be on another file system than the lower one, so: a tmpfs.
    linux.mount("pod", layer, "tmpfs", data="mode=755")
    _make(layer, ("upper", "work", "root"))
    os.chdir(layer)  # relative names: a comma or colon in the state folder's path would end the option
    linux.mount("pod", layer / "root", "overlay", data="lowerdir=/,upperdir=upper,workdir=work")
    return layer / "root"


def _kernel_files(root: Path) -> None:
    _make(root, ("proc", "sys", "dev"))
    linux.mount("proc", root / "proc", "proc", QUIET)
    with contextlib.suppress(PermissionError):  # sysfs of a network namespace is refused inside some containers
        linux.mount("sysfs", root / "sys", "sysfs", QUIET | linux.MS_RDONLY)
    devices = root / "dev"
    linux.mount("dev", devices, "tmpfs", linux.MS_NOSUID, "mode=755")
    for name in DEVICES:
        (devices / name).touch()
        linux.mount(f"/dev/{name}", devices / name, flags=linux.MS_BIND)
    for name, target in LINKS.items():
        (devices / name).symlink_to(target)
    _make(devices, ("shm", "pts"))
    linux.mount("shm", devices / "shm", "tmpfs", QUIET, "mode=1777")
    linux.mount("devpts", devices / "pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666")


def _mask(root: Path, path: str) -> Path:
    place = resolve(root, path)
    place.mkdir(parents=True, exist_ok=True)
    mode = "1777" if path == "/tmp" else "755"  # noqa: S108 - the container's own, empty one
    linux.mount("mask", place, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"mode={mode}")
    return place


def _remount_read_only(path: Path) -> None:
    # A bind mount keeps the flags of what it shows; the kernel refuses a remount that would drop one of them.
    flags = os.statvfs(path).f_flag
    names = ((os.ST_NOSUID, linux.MS_NOSUID), (os.ST_NODEV, linux.MS_NODEV), (os.ST_NOEXEC, linux.MS_NOEXEC))
    kept = sum(mount_flag for flag, mount_flag in names if flags & flag)
    linux.mount("none", path, flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | kept)


def _make(parent: Path, names: Iterable[str]) -> None:
    for name in names:
        (parent / name).mkdir(exist_ok=True)
