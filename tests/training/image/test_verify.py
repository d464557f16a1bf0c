"""The verifier tells a fit image from an unfit one; what nobody expects is "not there", never a pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from training.image import sbom, verify
from training.image.verify import Image

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n"
NCCL = b"\0NCCL version 2.28.9+cuda13.0\0ncclNetPlugin_v9\0ncclNetPlugin_v10\0ncclNetPlugin_v11\0"


def put(root: Path, name: str, content: bytes = b"") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def image(root: Path, *expected: str, uid: int = 1000, **environment: str) -> Image:
    return Image(root, environment, frozenset(expected), uid)


def test_root_fails() -> None:
    assert verify.user(image(Path("/"), uid=0)).verdict == "fail"
    assert verify.user(image(Path("/"), uid=1000)).verdict == "pass"


@pytest.mark.parametrize("name", ["root/.ssh/id_rsa", "home/u/.ssh/anything", "etc/ssh/ssh_host_rsa_key"])
def test_a_private_key_fails_whatever_its_name(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, KEY)
    check = verify.keys(image(tmp_path))
    assert (check.verdict, check.detail) == ("fail", f"/{name}")


def test_code_that_speaks_of_keys_is_no_key(tmp_path: Path) -> None:
    put(tmp_path, "opt/lib/crypto.py", KEY)
    put(tmp_path, "opt/lib/certificate.pem", b"-----BEGIN CERTIFICATE-----")
    put(tmp_path, "root/.ssh/authorized_keys")
    put(tmp_path, "opt/conda/lib/python3.12/test/certdata/keycert.pem", KEY)
    assert verify.keys(image(tmp_path)).verdict == "pass"


def test_credentials_are_named_and_never_shown(tmp_path: Path) -> None:
    put(tmp_path, "root/.aws/credentials", b"[default]\naws_secret_access_key = hush")
    check = verify.secrets(
        image(tmp_path, AWS_SECRET_ACCESS_KEY="hush", HF_TOKEN="hush", AWS_REGION="r", MY_PASSWORD="")
    )
    assert check.verdict == "fail"
    assert check.detail == "variable AWS_SECRET_ACCESS_KEY, variable HF_TOKEN, /root/.aws/credentials"


def test_two_ncclls_of_different_versions_fail_and_links_to_one_do_not(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/libnccl.so.2.28.9", NCCL)
    (tmp_path / "usr/lib/libnccl.so.2").symlink_to("libnccl.so.2.28.9")
    assert verify.nccl(image(tmp_path)).verdict == "pass"
    put(tmp_path, "usr/local/lib/nvidia/nccl/lib/libnccl.so.2", NCCL.replace(b"2.28.9", b"2.30.4"))
    check = verify.nccl(image(tmp_path))
    assert check.verdict == "fail"
    assert "2.28.9: /usr/lib/libnccl.so.2; 2.30.4: /usr/local/" in check.detail


@pytest.mark.parametrize(("symbols", "verdict"), [((10, 11), "pass"), ((4, 5), "fail")])
def test_the_plugin_must_speak_an_interface_that_nccl_asks_for(
    tmp_path: Path, symbols: tuple[int, ...], verdict: str
) -> None:
    put(tmp_path, "usr/lib/libnccl.so.2", NCCL)
    plugin = b"\0".join(b"ncclNetPlugin_v%d" % number for number in symbols)
    put(tmp_path, "opt/amazon/ofi-nccl/lib/libnccl-net-ofi.so", plugin)
    assert verify.plugin(image(tmp_path, "efa")).verdict == verdict


@pytest.mark.parametrize(("check", "expectation"), [(verify.nccl, "cuda"), (verify.plugin, "efa"), (verify.efa, "efa")])
def test_what_is_missing_fails_only_where_it_is_expected(tmp_path: Path, check: Any, expectation: str) -> None:
    assert check(image(tmp_path, PATH="")).verdict == "not there"
    assert check(image(tmp_path, expectation, PATH="")).verdict == "fail"


@pytest.mark.parametrize(("providers", "verdict"), [("efa:\n  version: 2\n", "pass"), ("tcp:\n  version: 2\n", "fail")])
def test_libfabric_must_have_the_efa_provider(tmp_path: Path, providers: str, verdict: str) -> None:
    program = put(tmp_path, "opt/amazon/efa/bin/fi_info", f"#!/bin/sh\nprintf '{providers}'\n".encode())
    program.chmod(0o755)
    assert verify.efa(image(tmp_path, "efa", PATH="")).verdict == verdict


def test_two_sets_of_compatibility_libraries_fail(tmp_path: Path) -> None:
    put(tmp_path, "usr/local/cuda-13.0/compat/libcuda.so.1")
    assert verify.cuda_compat(image(tmp_path)).verdict == "pass"
    put(tmp_path, "opt/other/compat/libcuda.so.1")
    assert verify.cuda_compat(image(tmp_path)).verdict == "fail"


def test_the_program_must_be_found_on_the_path(tmp_path: Path) -> None:
    assert verify.program(image(tmp_path, PYTHONPATH="/opt/aidc")).verdict == "fail"
    for name in verify.PROGRAM:
        put(tmp_path, f"opt/aidc/{name.replace('.', '/')}/__main__.py")
    assert verify.program(image(tmp_path, uid=0, PYTHONPATH="/opt/aidc")).verdict == "pass"


def installed(root: Path, name: str, version: str) -> None:
    place = f"opt/venv/lib/python3.12/site-packages/{name}-{version}.dist-info/METADATA"
    put(root, place, f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n\nVersion: of nothing".encode())


def programmed(root: Path) -> Path:
    """The program and what it needs, as the Dockerfile leaves them."""
    folder = root / "opt/aidc"
    for name in verify.PROGRAM:
        put(folder, f"{name.replace('.', '/')}/__main__.py")
    put(folder, "training/requirements.txt", b"# pinned\ntorch==2.15.0\nnumpy==2.4.6\nPyYAML==6.0.3\n")
    for name, version in {"torch": "2.13.0", "numpy": "2.3.0", "pyyaml": "6.0.3"}.items():
        installed(root, name, version)
    bill = json.dumps(sbom.document(sbom.packages(root), root))
    return put(folder, sbom.FILE, bill.encode())


def test_the_base_chooses_pytorch_and_all_else_is_as_pinned(tmp_path: Path) -> None:
    programmed(tmp_path)
    assert verify.packages(image(tmp_path, PYTHONPATH="/opt/aidc")).verdict == "pass"


@pytest.mark.parametrize(
    ("name", "missing"), [("torch", "torch or jax"), ("numpy", "numpy"), ("pyyaml", "pyyaml==6.0.3")]
)
def test_a_base_without_what_the_program_imports_fails(tmp_path: Path, name: str, missing: str) -> None:
    programmed(tmp_path)
    next(tmp_path.rglob(f"{name}-*.dist-info/METADATA")).unlink()
    check = verify.packages(image(tmp_path, PYTHONPATH="/opt/aidc"))
    assert (check.verdict, check.detail) == ("fail", missing)


def test_a_bill_of_materials_that_leaves_something_out_fails(tmp_path: Path) -> None:
    path = programmed(tmp_path)
    assert verify.sbom(image(tmp_path, PYTHONPATH="/opt/aidc")).verdict == "pass"
    installed(tmp_path, "late", "1.0")
    check = verify.sbom(image(tmp_path, PYTHONPATH="/opt/aidc"))
    assert (check.verdict, check.detail) == ("fail", "pkg:pypi/late@1.0")
    path.write_text("{", encoding="utf-8")
    assert [one.verdict for one in verify.look(image(tmp_path, PYTHONPATH="/opt/aidc"), [verify.sbom])] == ["fail"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_root_finds_the_key_in_its_home_and_the_rest_is_tried_as_the_user() -> None:
    # not tmp_path: pytest closes the folder above it to other users, again with every run on this machine
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        put(root, "root/.ssh/id_rsa", KEY)
        put(root, "root/.aws/credentials", b"[default]")
        (root / "root").chmod(0o700)
        given = ["--json", "--root", name]
        as_root = {one["name"]: one for one in json.loads(run(*given, "--user", "1000").stdout)["checks"]}
        code = f"from training.image import verify; verify.become(1000); verify.main({given})"
        as_user = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert [as_root[name]["verdict"] for name in ("keys", "secrets", "user")] == ["fail", "fail", "pass"]
    told = {one["name"]: one["detail"] for one in json.loads(as_user.stdout)["checks"]}
    assert told["keys"].endswith("uid 1000 may not look into /root"), as_user.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training.image.verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_answers_in_json_and_with_its_exit_code(tmp_path: Path) -> None:
    put(tmp_path, "root/.ssh/id_rsa", KEY)
    done = run("--json", "--root", str(tmp_path))
    checks = {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}
    assert set(checks) == {
        "user",
        "keys",
        "secrets",
        "nccl",
        "plugin",
        "efa",
        "cuda compat",
        "program",
        "packages",
        "sbom",
    }
    assert checks["keys"] == "fail"
    assert done.returncode == 3


def test_an_unknown_expectation_is_one_line_with_those_there_are() -> None:
    done = run("--expect", "cuda,roce")
    assert done.returncode == 2
    assert "--expect: roce is not one of cuda, efa, neuron, tpu" in done.stderr
