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

from training.image import places
from training.image import sbom as bom
from training.image.places import HOMES, LIBRARIES

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
ANY, NCCL_LIBRARY, NCCL_PLUGIN, CUDA_LIBRARY = (
    re.compile(pattern) for pattern in ("", r"^libnccl\.so", r"^libnccl-net.*\.so", r"^libcuda\.so\.")
)
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
        return places.below(self.root, folders, name)

    @property
    def program(self) -> Path | None:
        """The folder on PYTHONPATH that the toolkit's program lies in."""
        for entry in filter(None, self.environment.get("PYTHONPATH", "").split(os.pathsep)):
            folder = self.root / entry.lstrip("/")
            if all((folder / name.replace(".", "/") / "__main__.py").is_file() for name in PROGRAM):
                return folder
        return None

    def shown(self, paths: Iterable[Path]) -> str:
        return ", ".join("/" + path.relative_to(self.root).as_posix() for path in paths)


def user(image: Image) -> Check:
    """Not root: a process that escapes must not be root outside either."""
    return Check("user", "fail" if image.uid == 0 else "pass", f"uid {image.uid}")


def keys(image: Image) -> Check:
    """No private keys and nobody who may log in."""
    unseen: list[OSError] = []
    found = [path for path in places.below(image.root, HOMES, ANY, unseen.append) if _is_key(path)]
    closed = image.shown(Path(one.filename) for one in unseen if isinstance(one, PermissionError))
    text = "no private key, no authorized key" + (f"; uid {image.uid} may not look into {closed}" if closed else "")
    return Check("keys", "fail" if found else "pass", image.shown(found) or text)


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
        # os.path, not pathlib: a home that is closed to this user is no error
        found += [f"/{home}/{name}" for name in SECRET_FILES if os.path.isfile(image.root / home / name)]  # noqa: PTH113
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
    folder = image.program
    if folder is None:
        return Check("program", "fail", f"PYTHONPATH leads to no {', '.join(PROGRAM)}")
    unreadable = [path for path in (folder / "training").rglob("*") if not os.access(path, os.R_OK)]
    if unreadable:
        return Check("program", "fail", f"uid {image.uid} may not read {image.shown(unreadable[:3])}")
    if os.access(folder, os.W_OK) and image.uid != 0:
        return Check("program", "fail", f"{image.shown([folder])} can be written by uid {image.uid}")
    return Check("program", "pass", image.shown([folder]))


def packages(image: Image) -> Check:
    """What the program imports is there as pinned; PyTorch or JAX in whatever version the base has."""
    folder = image.program
    if folder is None:
        return Check("packages", "fail", "no program, so no list of what it needs")
    there = {f"{one.name}=={one.version}" for one in bom.python(image.root)}
    names = {one.partition("==")[0] for one in there}
    lines = (folder / "training/requirements.txt").read_text(encoding="utf-8").lower().splitlines()
    wanted = {line for line in lines if line and not line.startswith(("#", "torch==", "numpy=="))}
    missing = sorted(wanted - there) + ([] if names & {"torch", "jax"} else ["torch or jax"])
    missing += [] if "numpy" in names else ["numpy"]
    return Check("packages", "fail" if missing else "pass", ", ".join(missing) or f"{len(wanted)} as pinned")


def sbom(image: Image) -> Check:
    """The bill of materials in the image names what is in it, no more and no less."""
    path = (image.program or image.root) / bom.FILE
    if not path.is_file():
        return Check("sbom", "fail", f"no {bom.FILE} beside the program")
    wrong = bom.differences(path, image.root)
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Check("sbom", "fail" if wrong else "pass", ", ".join(wrong[:3]) + more or image.shown([path]))


FILES: tuple[Callable[[Image], Check], ...] = (keys, secrets)
CHECKS: tuple[Callable[[Image], Check], ...] = (user, nccl, plugin, efa, cuda_compat, program, packages, sbom)


def look(image: Image, checks: Iterable[Callable[[Image], Check]] = (*FILES, *CHECKS)) -> list[Check]:
    """The answers. A file that may not be read is an answer as well."""
    found = []
    for check in checks:
        try:
            found.append(check(image))
        except (OSError, ValueError) as problem:
            found.append(Check(check.__name__.replace("_", " "), "fail", str(problem)))
    return found


def become(uid: int) -> None:
    """Give up being root, with all groups."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


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
    parser.add_argument(
        "--user", type=int, help="started as root: look for secrets, then become this uid for everything else"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    expected = frozenset(filter(None, given.expect.split(",")))
    if unknown := sorted(expected - set(EXPECTATIONS)):
        parser.error(f"--expect: {', '.join(unknown)} is not one of {', '.join(EXPECTATIONS)}")
    checks = look(Image(given.root, expected=expected), FILES)
    if given.user is not None:
        become(given.user)
    checks += look(Image(given.root, expected=expected), CHECKS)
    if given.json:
        print(json.dumps({"schema_version": 1, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        for check in checks:
            print(f"{check.verdict:<9} {check.name:<12} {check.detail}")
    return 3 if any(check.verdict == "fail" for check in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
