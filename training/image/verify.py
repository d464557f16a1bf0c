"""Runs inside an image and says whether it is fit for training: user, secrets, NCCL and its plugin, EFA, CUDA, program.

Standard library only, so that it runs in any base. Reads files and environment, starts nothing but `fi_info`. What an
image does not have and nobody expects is "not there", never a pass. Exit code 3 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

EXPECTATIONS = ("cuda", "efa", "neuron", "tpu")
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
SECRET_FILES = (
    ".aws/credentials",
    ".netrc",
    ".git-credentials",
    ".docker/config.json",
    ".config/gcloud/credentials.db",
)
SECRET_VARIABLE = re.compile(
    r"(SECRET_ACCESS_KEY|SESSION_TOKEN|_PASSWORD|_PASSWD|API_KEY|_SECRET|(HF|GITHUB|WANDB)_TOKEN)$"
)
HOMES = ("root", "home", "etc/ssh", "opt", "app", "workspace", "srv")
OTHERS = frozenset({"test", "tests", "testdata", "certdata"})
"""Folders of test data: Python's own tests bring keys that open nothing."""
ANY, NCCL_LIBRARY, NCCL_PLUGIN, CUDA_LIBRARY = (
    re.compile(pattern) for pattern in ("", r"^libnccl\.so", r"^libnccl-net.*\.so", r"^libcuda\.so\.")
)
LIBRARIES = ("usr/lib", "usr/lib64", "usr/local", "opt")
KEY_BYTES = 1 << 16
"""A private key is smaller; larger files are not read."""
NET_PLUGIN = re.compile(rb"ncclNetPlugin_v(\d+)")
NCCL_VERSION = re.compile(rb"NCCL version (\d+\.\d+\.\d+)")
PROGRAM = ("training.train", "training.data", "training.bench", "training.serve")


@dataclass(frozen=True)
class Check:
    """One question about the image. `verdict`: pass, fail, not there."""

    name: str
    verdict: str
    detail: str


@dataclass(frozen=True)
class Image:
    """What is looked at: a root folder, an environment, what is expected. Tests make their own."""

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    expected: frozenset[str] = frozenset()
    uid: int = field(default_factory=os.getuid)

    def below(self, folders: Iterable[str], name: re.Pattern[str]) -> Iterator[Path]:
        """Files by name below folders of the image, every file once, whatever links lead to it."""
        seen = set()
        for folder in folders:
            for place, inner, names in os.walk(self.root / folder):
                inner[:] = sorted(set(inner) - OTHERS)
                for path in (Path(place, one) for one in sorted(names) if name.search(one)):
                    real = path.resolve()
                    if real.is_file() and real not in seen:
                        seen.add(real)
                        yield path

    def shown(self, paths: Iterable[Path]) -> str:
        return ", ".join("/" + path.relative_to(self.root).as_posix() for path in paths)


def user(image: Image) -> Check:
    """Not root: a process that escapes must not be root outside either."""
    return Check("user", "fail" if image.uid == 0 else "pass", f"uid {image.uid}")


def keys(image: Image) -> Check:
    """No private keys and nobody who may log in."""
    found = [path for path in image.below(HOMES, ANY) if _is_key(path)]
    return Check("keys", "fail" if found else "pass", image.shown(found) or "no private key, no authorized key")


def _is_key(path: Path) -> bool:
    try:
        if path.stat().st_size > KEY_BYTES or path.suffix in {".py", ".pyi", ".md", ".rst", ".txt", ".html"}:
            return False
        return (path.name == "authorized_keys" and path.stat().st_size > 0) or bool(
            PRIVATE_KEY.match(path.read_bytes().lstrip())
        )
    except OSError:
        return False


def secrets(image: Image) -> Check:
    """No credentials in the environment or in the usual files. Values are never printed."""
    found = [f"variable {name}" for name, value in image.environment.items() if value and SECRET_VARIABLE.search(name)]
    for home in ("root", "tmp", *sorted(f"home/{one.name}" for one in (image.root / "home").glob("*"))):
        found += [f"/{home}/{name}" for name in SECRET_FILES if (image.root / home / name).is_file()]
    return Check("secrets", "fail" if found else "pass", ", ".join(found) or "none found")


def nccl(image: Image) -> Check:
    """One NCCL: with two, the loader's path decides which one PyTorch meets and which one the plugin."""
    versions: dict[str, list[Path]] = {}
    for path in image.below(LIBRARIES, NCCL_LIBRARY):
        versions.setdefault(_first(NCCL_VERSION, path) or "unknown version", []).append(path)
    if not versions:
        return _absent("nccl", image, "cuda", "no libnccl.so")
    text = "; ".join(f"{version}: {image.shown(paths)}" for version, paths in sorted(versions.items()))
    return Check("nccl", "fail" if len(versions) > 1 else "pass", text)


def plugin(image: Image) -> Check:
    """NCCL's network plugin speaks a version of the plugin interface that this NCCL asks for.

    NCCL looks for symbols ncclNetPlugin_vN, newest first, and falls back to TCP without a word when there is none.
    """
    plugins = [path for path in image.below(LIBRARIES, NCCL_PLUGIN) if _numbers(path)]
    libraries = list(image.below(LIBRARIES, NCCL_LIBRARY))
    if not plugins:
        return _absent("plugin", image, "efa", "no libnccl-net*.so")
    asked = set().union(*(_numbers(path) for path in libraries))
    if not asked:
        return Check("plugin", "fail", f"{image.shown(plugins)}, but no libnccl.so that asks for a plugin")
    given = set().union(*(_numbers(path) for path in plugins))
    both = sorted(asked & given)
    text = f"{image.shown(plugins)}: interface {_span(given)}, NCCL asks for {_span(asked)}"
    return Check("plugin", "pass" if both else "fail", text)


def efa(image: Image, run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run) -> Check:
    """libfabric with the EFA provider (libfabric's own `fi_info -l` lists providers without needing a device)."""
    path = os.pathsep.join([image.environment.get("PATH", ""), str(image.root / "opt/amazon/efa/bin")])
    program = shutil.which("fi_info", path=path)
    if program is None:
        return _absent("efa", image, "efa", "no fi_info")
    done = run([program, "-l"], capture_output=True, text=True, check=False, timeout=30)
    has = bool(re.search(r"^efa:", done.stdout, re.MULTILINE))
    return Check("efa", "pass" if has else "fail", f"{program}: {'has' if has else 'lacks'} the provider efa")


def cuda_compat(image: Image) -> Check:
    """One set of CUDA forward-compatibility libraries at most: a second one hides the driver of the node."""
    found = [path for path in image.below(LIBRARIES, CUDA_LIBRARY) if "compat" in path.parts]
    folders = {path.resolve().parent for path in found}
    if not folders:
        return _absent("cuda compat", image, "", "none")
    return Check("cuda compat", "fail" if len(folders) > 1 else "pass", image.shown(sorted(found)))


def program(image: Image) -> Check:
    """The toolkit's own program is there, readable, and not writable by the user it runs as."""
    for entry in image.environment.get("PYTHONPATH", "").split(os.pathsep):
        folder = image.root / entry.lstrip("/")
        if entry and all((folder / name.replace(".", "/") / "__main__.py").is_file() for name in PROGRAM):
            if os.access(folder, os.W_OK) and image.uid != 0:
                return Check("program", "fail", f"{entry} can be written by uid {image.uid}")
            return Check("program", "pass", entry)
    return Check("program", "fail", f"PYTHONPATH leads to no {', '.join(PROGRAM)}")


CHECKS: tuple[Callable[[Image], Check], ...] = (user, keys, secrets, nccl, plugin, efa, cuda_compat, program)


def look(image: Image) -> list[Check]:
    """The answers to all checks."""
    return [check(image) for check in CHECKS]


def _absent(name: str, image: Image, needed_by: str, what: str) -> Check:
    return Check(name, "fail" if needed_by in image.expected else "not there", what)


def _first(pattern: re.Pattern[bytes], path: Path) -> str | None:
    found = pattern.search(path.read_bytes())
    return found[1].decode() if found else None


def _numbers(path: Path) -> set[int]:
    return {int(number) for number in NET_PLUGIN.findall(path.read_bytes())}


def _span(numbers: set[int]) -> str:
    return f"v{min(numbers)} to v{max(numbers)}"


def main(arguments: list[str] | None = None) -> int:
    """Print the checks, a line each or as JSON. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training.image.verify", description="Say whether this image is fit for training."
    )
    parser.add_argument("--expect", default="", help=f"comma separated, of: {', '.join(EXPECTATIONS)}")
    parser.add_argument("--root", type=Path, default=Path("/"), help="look at a file system that lies here")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    expected = frozenset(filter(None, given.expect.split(",")))
    if unknown := sorted(expected - set(EXPECTATIONS)):
        parser.error(f"--expect: {', '.join(unknown)} is not one of {', '.join(EXPECTATIONS)}")
    checks = look(Image(given.root, expected=expected))
    if given.json:
        print(json.dumps({"schema_version": 1, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            print(f"{check.verdict:<9} {check.name:<12} {check.detail}")
    return 3 if any(check.verdict == "fail" for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
