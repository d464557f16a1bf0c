"""The bill of materials names every Python distribution and every package of the system, the same way every time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.image import sbom
from training.image.sbom import Package

STATUS = """\
Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4+deb12u11
Description: files
 Version: of a description

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def put(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    put(tmp_path, "var/lib/dpkg/status", STATUS)
    put(
        tmp_path,
        "opt/venv/lib/Typing_Extensions-4.16.0.dist-info/METADATA",
        "Name: Typing_Extensions\nVersion: 4.16.0\n",
    )
    put(
        tmp_path,
        "usr/lib/python3/dist-packages/torch-2.13.0+cu130.dist-info/METADATA",
        "Name: torch\nVersion: 2.13.0+cu130\n",
    )
    put(tmp_path, "usr/lib/elsewhere/METADATA", "Name: nothing\nVersion: 1\n")
    return tmp_path


def test_distributions_of_every_python_and_installed_packages_are_named(root: Path) -> None:
    assert sbom.packages(root) == [
        Package("deb", "base-files", "12.4+deb12u11", "amd64"),
        Package("pypi", "torch", "2.13.0+cu130"),
        Package("pypi", "typing-extensions", "4.16.0"),
    ]


def test_it_is_cyclonedx_with_package_urls_and_without_a_clock(root: Path) -> None:
    document = sbom.document(sbom.packages(root), root)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    system, *packages = document["components"]
    assert system == {"type": "operating-system", "name": "debian", "version": "12"}
    assert [one["purl"] for one in packages] == [
        "pkg:deb/debian/base-files@12.4%2Bdeb12u11?arch=amd64",
        "pkg:pypi/torch@2.13.0%2Bcu130",
        "pkg:pypi/typing-extensions@4.16.0",
    ]
    assert json.dumps(document) == json.dumps(sbom.document(sbom.packages(root), root))


def test_packages_of_rpm_are_asked_of_rpm(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = root / "bin" / "rpm"
    put(root, "bin/rpm", "#!/bin/sh\nprintf 'bash\\t5.2-1\\tx86_64\\ngpg-pubkey\\t1-1\\t(none)\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert not [one for one in sbom.packages(root) if one.kind == "rpm"], "a system without rpm's database"
    (root / "var/lib/rpm").mkdir(parents=True)
    assert [one for one in sbom.packages(root) if one.kind == "rpm"] == [Package("rpm", "bash", "5.2-1", "x86_64")]
