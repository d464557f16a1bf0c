"""The commands of the guide work as they are written."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "training.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide asks the server with curl")
def test_the_whole_way_from_data_to_the_next_fine_tune_set(tmp_path: Path) -> None:
    found = re.search(r"<!-- run -->\n```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    commands = found.group(1).replace("8000", str(ports.block())).replace("--steps 200", "--steps 20")
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": binaries, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    out, errors, code = _shell(commands, tmp_path, environment)
    assert code == 0, errors
    assert "Traceback" not in errors
    assert '{"status":"ready"' in out
    assert '"object":"text_completion"' in out
    assert len((tmp_path / "runs/first/metrics.jsonl").read_text().splitlines()) == 20
    example = json.loads((tmp_path / "runs/next/examples.jsonl").read_text())
    assert example["text"] == "The scheduler starts the job at once."
    assert (tmp_path / "runs/next/data/manifest.json").is_file()


def _shell(commands: str, folder: Path, environment: dict[str, str]) -> tuple[str, str, int]:
    """Standard output, standard error, exit code. What the commands started ends with them."""
    with subprocess.Popen(
        ["bash", "-e", "-c", commands],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, errors = process.communicate(timeout=900)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return out, errors, process.returncode
