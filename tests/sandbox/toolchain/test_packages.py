"""Python packages are installed once, exactly as asked for, and their absence has a reason of one line."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.toolchain import packages
from sandbox.toolchain.store import Store
from terminal import UserError
from tests.sandbox import awaiting
from tests.sandbox.toolchain.fakes import Talk, settings


def wheel(directory: Path, version: str) -> None:
    """A package `tiny` with one module that knows its version."""
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    with zipfile.ZipFile(directory / f"tiny-{version}-py3-none-any.whl", "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    for version in ("1.0", "2.0"):
        wheel(tmp_path, version)
    path = tmp_path / "requirements.txt"
    path.write_text(f"--no-index\n--find-links {tmp_path}\ntiny==1.0\n")
    return path


def version_in(environment: Path) -> str:
    command = [environment / "bin" / "python", "-c", "import sys, tiny; print(sys.prefix, tiny.VERSION)"]
    prefix, version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert prefix == str(environment)
    return version


def test_the_benchmark_gets_an_environment_of_its_own_once(
    requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = toolchain.benchmark_environment(settings(tmp_path), requirements)
    assert environment.is_relative_to(tmp_path / "cache")
    assert version_in(environment) == "1.0"

    def forbidden(*_: object, **__: object) -> int:
        raise AssertionError("pip should not run again")

    monkeypatch.setattr(packages, "watch", forbidden)
    assert toolchain.benchmark_environment(settings(tmp_path), requirements) == environment


def test_other_requirements_get_another_environment(requirements: Path, tmp_path: Path) -> None:
    first = toolchain.benchmark_environment(settings(tmp_path), requirements)
    requirements.write_text(requirements.read_text().replace("1.0", "2.0"))
    second = toolchain.benchmark_environment(settings(tmp_path), requirements)
    assert (version_in(first), version_in(second)) == ("1.0", "2.0")


def test_a_damaged_environment_is_made_again(requirements: Path, tmp_path: Path) -> None:
    environment = toolchain.benchmark_environment(settings(tmp_path), requirements)
    next(environment.glob("lib/python*/site-packages/tiny.py")).write_text("VERSION = 'other'\n")
    assert version_in(toolchain.benchmark_environment(settings(tmp_path), requirements)) == "1.0"


def test_what_python_compiles_in_it_is_no_damage(requirements: Path, tmp_path: Path) -> None:
    environment = toolchain.benchmark_environment(settings(tmp_path), requirements)
    for compiled in environment.rglob("__pycache__/*"):
        compiled.write_bytes(b"")
    store = Store(tmp_path / "cache" / "tools")
    assert store.find(packages.Wanted("benchmark", requirements, venv=True).key) is not None


def test_a_plain_directory_holds_the_packages_themselves(requirements: Path, tmp_path: Path, talk: Talk) -> None:
    store = Store(tmp_path / "cache" / "tools")
    directory = packages.ensure(store, packages.Wanted("plain", requirements, venv=False), talk)
    assert (directory / "tiny.py").read_text() == "VERSION = '1.0'\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("--index-url http://127.0.0.1:9/simple\ntiny==1.0\n", "the Python package index cannot be reached"),
        ("--no-index\ntiny==3.0\n", "pip: No matching distribution found for tiny==3.0"),
        ("--no-such-option\n", "pip: Invalid requirement: --no-such-option"),
    ],
)
def test_packages_that_cannot_be_had_are_one_line(
    requirements: Path, tmp_path: Path, text: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    requirements.write_text(text)
    with pytest.raises(UserError) as caught:
        toolchain.benchmark_environment(settings(tmp_path), requirements)
    (line,) = caught.value.problems
    assert line.startswith("the packages of requirements.txt cannot be installed: ")
    assert reason in line
    assert "\n" not in line
    assert [path.name for path in (tmp_path / "cache" / "tools").iterdir()] == [".benchmark.lock"]


def test_missing_requirements_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"requirements\.txt is missing"):
        toolchain.benchmark_environment(settings(tmp_path), tmp_path / "requirements.txt")


def test_ctrl_c_stops_the_program_that_is_running(tmp_path: Path) -> None:
    def interrupted(_: int) -> None:
        awaiting.line(tmp_path / "pid")
        raise KeyboardInterrupt

    script = "echo $$ > pid; while :; do sleep 0.1; done"
    with pytest.raises(KeyboardInterrupt):
        packages.watch(["sh", "-c", script], tmp_path / "log", interrupted, tmp_path)
    pid = int(awaiting.line(tmp_path / "pid"))
    assert not Path(f"/proc/{pid}").exists()
