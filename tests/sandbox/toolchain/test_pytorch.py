"""The environment of `training/`: PyTorch's small build where it can be had, the other elsewhere, never unasked."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from sandbox import toolchain
from sandbox.toolchain import pytorch
from sandbox.toolchain.store import Store
from terminal import InvalidInput, UserError
from tests.sandbox.toolchain.conftest import Site
from tests.sandbox.toolchain.fakes import Talk, executable, settings


def wheel(directory: Path, name: str, version: str) -> Path:
    """A package with one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = '{version}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
        f"{len(text)}\n"
        for path, text in files.items()
    )
    target = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(path, text)
    return target


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wants torch and another package; both are in a folder that stands for the package index."""
    index = tmp_path / "index"
    index.mkdir()
    wheel(index, "torch", "2.0")
    wheel(index, "other", "1.0")
    (tmp_path / "requirements.txt").write_text(f"--no-index\n--find-links {index}\ntorch==2.0\n")
    path = tmp_path / "requirements-dev.txt"
    path.write_text("-r requirements.txt\nother==1.0\n")
    monkeypatch.setattr(pytorch, "DRIVER", tmp_path / "no-driver")
    monkeypatch.setattr(pytorch, "SPACE", 1 << 20)
    monkeypatch.delenv(pytorch.OWN_VARIABLE, raising=False)
    return path


@pytest.fixture
def cpu_index(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """PyTorch's own index with the small build."""
    (tmp_path / "cpu").mkdir()
    archive = wheel(tmp_path / "cpu", "torch", "2.0+cpu")
    site.files["/cpu/torch/"] = f'<a href="../{archive.name.replace("+", "%2B")}">{archive.name}</a>'.encode()
    site.files[f"/cpu/{archive.name}"] = archive.read_bytes()
    site.files[f"/cpu/{archive.name.replace('+', '%2B')}"] = archive.read_bytes()
    monkeypatch.setenv(pytorch.INDEX_VARIABLE, f"{site.address}/cpu")
    return site


def got(tmp_path: Path, requirements: Path, talk: Talk) -> str:
    """Version of torch in the environment, which also has the other package."""
    store = Store(tmp_path / "cache" / "tools")
    python = pytorch.python(store, talk, install=True, requirements=requirements)
    command = [str(python), "-c", "import other, torch; print(torch.VERSION, other.VERSION)"]
    version, other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert other == "1.0"
    assert pytorch.python(store, talk, install=False, requirements=requirements) == python
    return version


def test_the_small_build_is_taken_where_the_machine_has_no_gpu(
    requirements: Path, cpu_index: Site, tmp_path: Path, talk: Talk
) -> None:
    assert got(tmp_path, requirements, talk) == "2.0+cpu"


@pytest.mark.parametrize("manner", [403, "truncated"])
def test_an_index_that_refuses_is_left_for_the_package_index_and_that_is_said(
    manner: int | str, requirements: Path, cpu_index: Site, tmp_path: Path, talk: Talk
) -> None:
    cpu_index.manners["/cpu/torch/"] = manner
    assert got(tmp_path, requirements, talk) == "2.0"
    assert len(talk.about("it comes from the package index instead")) == 1


def test_a_machine_with_a_gpu_gets_the_build_of_the_package_index(
    requirements: Path, cpu_index: Site, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytorch, "DRIVER", requirements)
    assert got(tmp_path, requirements, talk) == "2.0"
    assert cpu_index.asked == []


def test_the_small_build_can_be_switched_off(
    requirements: Path, cpu_index: Site, tmp_path: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pytorch.INDEX_VARIABLE, "off")
    assert got(tmp_path, requirements, talk) == "2.0"
    assert cpu_index.asked == []


def test_the_environment_changes_with_an_included_file(requirements: Path) -> None:
    before = pytorch.wanted(requirements).key
    included = requirements.with_name("requirements.txt")
    included.write_text(included.read_text().replace("torch==2.0", "torch==2.1"))
    assert pytorch.wanted(requirements).key != before


def test_nothing_is_installed_unasked(requirements: Path, tmp_path: Path, talk: Talk) -> None:
    store = Store(tmp_path / "cache" / "tools")
    assert pytorch.python(store, talk, install=False, requirements=requirements) is None
    assert not store.root.exists()
    assert "training" not in toolchain.NAMES


def test_a_python_of_the_users_own_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = executable(tmp_path / "own" / "python")
    monkeypatch.setenv(pytorch.OWN_VARIABLE, str(own))
    assert toolchain.training_python(settings(tmp_path)) == own
    monkeypatch.setenv(pytorch.OWN_VARIABLE, os.devnull)
    with pytest.raises(InvalidInput, match="AIDC_TRAINING_PYTHON: /dev/null is not a program"):
        toolchain.training_python(settings(tmp_path))


def test_requirements_without_a_pinned_pytorch_are_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("other==1.0\n")
    with pytest.raises(UserError, match="torch is not pinned"):
        pytorch.wanted(tmp_path / "requirements.txt")


def test_what_cannot_be_installed_is_one_line(requirements: Path, tmp_path: Path, talk: Talk) -> None:
    requirements.write_text("-r requirements.txt\nmissing==1.0\n")
    store = Store(tmp_path / "cache" / "tools")
    with pytest.raises(UserError, match=r"^the packages of requirements-dev.txt cannot be installed: .*missing"):
        pytorch.python(store, talk, install=True, requirements=requirements)
    assert [path.name for path in store.root.iterdir()] == [".training.lock"]
