"""What the pulumi_aws SDK says about a resource class: its input and output names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any


def _names(cls: Any) -> dict[str, str]:
    found = {}
    for member in vars(cls).values():
        name = getattr(getattr(member, "fget", None), "_pulumi_name", None)
        if name:
            found[name] = str(member.fget.__annotations__.get("return", ""))
    return found


def classes(token: str) -> tuple[dict[str, str], dict[str, str]]:
    """(inputs, outputs) of a type token, name -> annotation. Raises for a token that the SDK does not have."""
    _, path, noun = token.split(":")
    package = path.split("/")[0]
    cls = getattr(importlib.import_module(f"pulumi_aws.{package}"), noun)
    module = sys.modules[cls.__module__]
    assert f"'{token}'" in Path(module.__file__ or "").read_text(encoding="utf-8")
    # A class whose Args name is taken by a nested type is called InitArgs.
    args = getattr(module, f"{noun}InitArgs", None) or getattr(module, f"{noun}Args")
    return _names(args), _names(getattr(module, f"_{noun}State"))
