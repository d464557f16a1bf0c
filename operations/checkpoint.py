"""The state file of a stack in the local backend, and its repair when a crash or a full disk has cut it short.

Pulumi keeps the state before the last change beside it (`.bak`). Going on from that one is safe for a local stack: what
happened since is found by comparing it with the cloud (see recovery.py), which `is_outdated` asks for.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from operations.stack import Stack
from terminal import UserError, err


def mend(stack: Stack) -> None:
    """Put Pulumi's copy in the place of a damaged state file; the damaged one is kept until the state is compared.

    Raises `UserError` when there is no sound copy.
    """
    path = _path(stack)
    if not stack.is_local or not path.exists() or _is_sound(path):
        return
    copy = path.with_name(path.name + ".bak")
    if not _is_sound(copy):
        raise UserError(
            f"stack {stack.name}: its state file {path} is damaged and has no sound copy; remove the file and "
            f"run `python -m sandbox reset --yes`, then `make up STACK={stack.name}` builds the stack anew"
        )
    temporary = path.with_name(path.name + ".new")
    shutil.copyfile(copy, temporary)
    os.replace(path, _damaged(stack))
    os.replace(temporary, path)
    err().print(
        f"the state file of stack {stack.name} is damaged; going on from its copy", style="yellow", markup=False
    )


def is_outdated(stack: Stack) -> bool:
    """Whether the state file is a copy that was not yet compared with the cloud."""
    return stack.is_local and _damaged(stack).exists()


def compared(stack: Stack) -> None:
    """Note that state and cloud agree again."""
    if stack.is_local:
        _damaged(stack).unlink(missing_ok=True)


def _path(stack: Stack) -> Path:
    return stack.settings.backend / ".pulumi" / "stacks" / stack.file.project / f"{stack.name}.json"


def _damaged(stack: Stack) -> Path:
    # Not beside the state: Pulumi takes every file there for a stack.
    return stack.settings.backend / f"{stack.name}.damaged.json"


def _is_sound(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
