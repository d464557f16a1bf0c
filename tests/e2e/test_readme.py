"""The commands of the README do what it says, on a deployed local stack."""

from __future__ import annotations

import re

import pytest

from sandbox.settings import REPOSITORY
from tests.e2e.conftest import Deployed

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
ELSEWHERE = {
    "make up",  # fixture `deployed`
    "make test",  # this
    "make check",  # before this
    "make preview STACK=prod-h200",  # needs a cloud account
}
COMMANDS = sorted(
    {
        command
        for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
        for line in block.splitlines()
        if (command := line.partition("#")[0].strip())
    }
    - ELSEWHERE
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_succeeds(deployed: Deployed, command: str) -> None:
    program, *arguments = command.split()
    assert program == "make"
    done = deployed.checkout.make(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_make_down_of_another_checkout_leaves_this_one_alone(deployed: Deployed) -> None:
    done = deployed.checkout.run("operations", "down", AIDC_STATE=str(deployed.checkout.folder / "other"))
    assert "nothing to do" in done.stdout
    assert deployed.checkout.run("sandbox", "status").returncode == 0
