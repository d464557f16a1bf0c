"""No command of training shows a traceback: each way to fail has its lines and its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, typer
from training.errors import *
from training.errors import guarded
app = typer.Typer(pretty_exceptions_enable=False)
@app.command()
def main(what: str):
    print("result")
    raise {"ours": TrainingError("a: 1 is [bold]wrong[/bold]"), "input": BadInput(["a: 1", "b: 2"]),
           "limit": LimitExceeded("too slow"), "stop": KeyboardInterrupt(), "fault": ZeroDivisionError("so\\nit is"),
           "fine": SystemExit(0)}[what]
guarded(app, "python -m prog")()
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("what", "code", "lines"),
    [
        ("fine", 0, []),
        ("ours", 1, ["error: a: 1 is [bold]wrong[/bold]"]),
        ("input", 2, ["error: a: 1", "error: b: 2"]),
        ("limit", 3, ["error: too slow"]),
        ("stop", 130, ["error: interrupted"]),
    ],
)
def test_a_failure_is_its_lines_and_its_exit_code(what: str, code: int, lines: list[str]) -> None:
    done = run(what)
    assert (done.returncode, done.stderr.splitlines(), done.stdout) == (code, lines, "result\n")


def test_a_fault_of_ours_is_one_line_that_says_where() -> None:
    done = run("fault")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: a fault in the toolkit: ZeroDivisionError: so it is (")
    assert "Traceback" in run("fault", AIDC_TRACEBACK="1").stderr


def test_wrong_usage_is_code_2_and_no_traceback() -> None:
    done = run("fine", "more")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "python -m prog" in done.stderr


def test_without_rich_and_typer_problems_are_lines_all_the_same() -> None:
    """Images for benchmarks bring PyTorch; what the commands of a workstation are made of they need not have."""
    code = (
        "import sys\n"
        "sys.modules.update(rich=None, typer=None)\n"
        "import training.flops\n"
        "from training.errors import err, show\n"
        "show(['pools[x]: [bold] is text'])\n"
        "err().print('done', style='dim', markup=False)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "error: pools[x]: [bold] is text\ndone\n")
