"""The configuration of a stack as Pulumi would pass it to the program, read from its files without the CLI.

Holds the few rules of `Pulumi.yaml` and `Pulumi.<stack>.yaml` that matter offline; encrypted values stay encrypted and
reach the program as `SECRET`.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from plan.model import SECRET, PlanError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader is several times faster; some builds of PyYAML lack it."""


@dataclass(frozen=True)
class StackFile:
    """Project name, and the stack's configuration: full key to text; `secrets` are the encrypted keys."""

    project: str
    stack: str
    config: dict[str, str]
    secrets: tuple[str, ...]


def load(root: Path, stack: str) -> StackFile:
    """Read `Pulumi.yaml` and the stack's file. Raises `PlanError` naming the stacks that exist."""
    project = _yaml(root / "Pulumi.yaml")
    folder = root / project.get("stackConfigDir", ".")
    path = folder / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = sorted(stack_names(root))
        near = difflib.get_close_matches(stack, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise PlanError(f"stack {stack}: there is no {path.relative_to(root)} (there are: {', '.join(known)}).{hint}")
    document = _yaml(path)
    config, secrets = {}, []
    for key, value in (document.get("config") or {}).items():
        full = key if ":" in key else f"{project['name']}:{key}"
        if _encrypted(value):
            secrets.append(full)
            value = SECRET  # noqa: PLW2901
        # YAML makes dates of unquoted timestamps; Pulumi passes the text.
        config[full] = value if isinstance(value, str) else json.dumps(value, default=str)
    return StackFile(project["name"], stack, config, tuple(secrets))


def stack_names(root: Path) -> list[str]:
    """Names of the stacks that have a file, in alphabetical order."""
    folder = root / _yaml(root / "Pulumi.yaml").get("stackConfigDir", ".")
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))


def _encrypted(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(_encrypted, value.values()))
    return isinstance(value, list) and any(map(_encrypted, value))


def _yaml(path: Path) -> dict[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except OSError as error:
        raise PlanError(f"{path.name}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise PlanError(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise PlanError(f"{path.name}: a mapping is expected")
    return document
