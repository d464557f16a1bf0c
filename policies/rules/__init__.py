"""All rules of the pack, by theme: one module a theme, one function a rule."""

from __future__ import annotations

from types import ModuleType

from . import capacity, compute, efa, eks, network, s3
from .model import Rule

MODULES: tuple[ModuleType, ...] = (capacity, compute, efa, eks, network, s3)
ALL: tuple[Rule, ...] = tuple(entry for module in MODULES for entry in vars(module).values() if isinstance(entry, Rule))
