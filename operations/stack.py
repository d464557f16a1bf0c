"""Which stack is meant, which cloud it lives in, and the environment its commands run in.

A stack whose name is `local` or begins with `local-` lives in the local cloud; its file must name the local account in
`aws:allowedAccountIds`, or the local project in `gcp:project`, so that real credentials can never be used by mistake.
Every other stack lives in a real cloud.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from plan import config as stack_config
from sandbox import supervisor, toolchain
from sandbox.engine import home
from sandbox.gcp import PROJECT
from sandbox.settings import ACCOUNT, REPOSITORY, Settings
from terminal import InvalidInput

LOCAL = {
    "aws": ("aws:allowedAccountIds", json.dumps([ACCOUNT]), "account"),
    "gcp": ("gcp:project", PROJECT, "project"),
}
"""What the file of a local stack says, by cloud: key, value, and what that names."""
TITLES = {"aws": "AWS", "gcp": "Google Cloud"}


@dataclass(frozen=True)
class Stack:
    """One stack: its file, and the settings of this machine."""

    name: str
    file: stack_config.StackFile
    settings: Settings

    @classmethod
    def load(cls, name: str) -> Stack:
        """Read the stack's file. Raises `InvalidInput` for a missing file or a local stack that could reach a real
        cloud.
        """
        try:
            settings = Settings.load()
        except ValueError as error:
            raise InvalidInput(str(error)) from None
        stack = cls(name, stack_config.load(REPOSITORY, name), settings)
        key, wanted, what = LOCAL.get(stack.cloud, LOCAL["aws"])
        given = stack.file.config.get(key, "nothing")
        if stack.is_local and given != wanted:
            meant = f"a local stack says {wanted}, the {what} of the local cloud"
            raise InvalidInput(f"stacks/Pulumi.{name}.yaml: {key} is {given}; {meant}")
        return stack

    @property
    def cloud(self) -> str:
        """aws or gcp, as the stack file says."""
        return self.file.config.get(f"{self.file.project}:cloud", "aws")

    @property
    def is_local(self) -> bool:
        return self.name == "local" or self.name.startswith("local-")

    @property
    def history(self) -> Path:
        """Where the stack's benchmark verdicts are kept, one JSON document a line."""
        return self.settings.state / "history" / f"{self.name}.jsonl"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment of the stack's commands: the local cloud's for a local stack, else the user's own."""
        tool = toolchain.ensure("pulumi")
        if self.is_local:
            return home.process_environment(self.settings, tool)
        path = [str(tool.path.parent), str(REPOSITORY / ".venv" / "bin"), os.environ.get("PATH", "")]
        return {**os.environ, "PATH": os.pathsep.join(path), "PULUMI_SKIP_UPDATE_CHECK": "true"}

    def prepare(self, extras: Collection[str] = ()) -> None:
        """Get the tools, start the local cloud for a local stack, and adopt the stack's environment.

        `extras`: optional daemons of the local cloud that the stack needs; each has a tool of its name.
        """
        if self.is_local:
            for name in extras:
                toolchain.ensure(name, self.settings)
            supervisor.start(self.settings, extras=extras)
        self.adopt()

    def adopt(self) -> None:
        """Make the stack's environment that of this process.

        Whatever this process calls (`aws eks get-token`, boto3) then meets the same cloud as Pulumi does.
        """
        environment = self.environment
        os.environ.clear()
        os.environ.update(environment)
