"""Two ranks train on the process node as a job of the stack: a rank is killed, the run goes on, its model answers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox import toolchain
from tests import ports
from tests.e2e import small
from tests.e2e.checkout import Checkout

STEPS = 300
TRAINING = f"""\
  ai-datacenter:file-system:
    zone: us-east-1a
    storage-gib: 1200
    throughput: 125
    log-retention-days: 7
    protect: false
  ai-datacenter:training:
    tiny:
      pool: bench
      image: "ai-datacenter/training-cpu:local"
      ranks: 2
      preset: bloom-560m-tiny
      steps: {STEPS}
      checkpoint-steps: 5
      settings: {{device: cpu, telemetry.log_every: 1}}
"""
LIMIT_S = 600


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python with torch."""
    found = toolchain.training_python(install=False)
    if found is None:
        pytest.skip("PyTorch's environment is not there; `make train` makes it")
    return found


@pytest.fixture(scope="module")
def trained(python: Path) -> Iterator[Checkout]:
    """A stack whose run of two ranks has begun."""
    with small.small_stack(TRAINING) as checkout:
        checkout.edit(
            f"stacks/Pulumi.{small.NAME}.yaml",
            ("      dedicated: true\n", "      dedicated: true\n      mount-file-system: true\n"),
        )
        done = small.up(checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        yield checkout


def run_folder(checkout: Checkout) -> Path | None:
    """Of the run, on the folder that stands in for the file system."""
    found = list((checkout.settings.state / "node" / "file-systems").glob("fs-*/checkpoints/tiny"))
    return found[0] if found else None


def lines(checkout: Checkout, file: str = "metrics.jsonl") -> list[dict[str, Any]]:
    """What the run has recorded so far."""
    folder = run_folder(checkout)
    if folder is None or not (folder / file).is_file():
        return []
    found = []
    for line in (folder / file).read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


def why(checkout: Checkout) -> str:
    """For the message of a failure: what the pods say."""
    done = checkout.shell(
        "alias k='kubectl -n training-tiny'; shopt -s expand_aliases\n"
        "k get pods -o wide\n"
        "for pod in $(k get pods -o name); do k logs $pod | grep -E 'rror|resume|step' | cut -c1-300; done",
        check=False,
    )
    pytest.fail(done.stdout + done.stderr)


def trainer(checkout: Checkout, rank: int) -> psutil.Process | None:
    """The process of a rank, below the agent of this checkout; None when there is none."""
    for process in psutil.process_iter():
        try:
            environment, command = process.environ(), process.cmdline()
            if environment.get("RANK") == str(rank) and "training.train" in command and belongs(process, checkout):
                return process
        except (psutil.Error, OSError):
            continue
    return None


def belongs(process: psutil.Process, checkout: Checkout) -> bool:
    return any(str(checkout.settings.state) in word for parent in process.parents() for word in parent.cmdline())


def result(checkout: Checkout) -> dict[str, Any] | None:
    done = checkout.shell(
        "kubectl -n training-tiny get configmaps -o json",
        check=True,
    )
    for item in json.loads(done.stdout)["items"]:
        if item["metadata"]["name"].endswith("-result"):
            return json.loads(item["data"]["result.json"])
    return None


def test_a_killed_rank_is_started_again_and_the_run_goes_on_from_its_checkpoint(trained: Checkout) -> None:
    # Looked for before the steps are counted: that takes longer than many of them.
    process = small.wait_for(lambda: trainer(trained, 1), otherwise=lambda: why(trained), limit=LIMIT_S)
    small.wait_for(
        lambda: True if (run_folder(trained) or Path("/")).joinpath("checkpoints").is_dir()
        and any(line.get("step", 0) >= 12 for line in lines(trained)) else None,
        otherwise=lambda: why(trained), limit=LIMIT_S,
    )  # fmt: skip
    process.send_signal(signal.SIGKILL)
    found = small.wait_for(lambda: result(trained), otherwise=lambda: why(trained), limit=LIMIT_S)
    assert (found["exit_code"], found["kind"]) == (0, "training-run"), found
    resumed = [line for line in lines(trained, "events.jsonl") if line["event"] == "resumed"]
    assert resumed, "it did not start from the beginning"
    assert resumed[-1]["step"] >= 5
    assert [line["step"] for line in lines(trained)] == list(range(1, STEPS + 1)), "each step once"
    assert found["checkpoints"]


def test_the_next_make_up_changes_nothing(trained: Checkout) -> None:
    done = small.up(trained)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unchanged" in done.stdout + done.stderr
    assert "created" not in [word for line in (done.stdout + done.stderr).splitlines() for word in line.split()]


def test_the_exported_model_answers_through_the_server(trained: Checkout, python: Path) -> None:
    folder = run_folder(trained)
    assert folder
    port = ports.block()
    server = subprocess.Popen(
        [str(python), "-m", "training.serve", "--model", str(folder / "export"), "--port", str(port)],
        cwd=trained.folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        answer = small.wait_for(
            lambda: ask(port),
            otherwise=lambda: pytest.fail(server.stdout.read() if server.stdout else ""),
            limit=LIMIT_S,
        )
        assert answer["choices"][0]["text"]
    finally:
        server.terminate()
        server.wait(60)


def ask(port: int) -> dict[str, Any] | None:
    """One completion; None while nobody listens."""
    body = json.dumps({"prompt": "one two", "max_tokens": 4}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/completions", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)
    except OSError:
        return None
