"""Which program each control-plane component is."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import toolchain
from sandbox.settings import Settings


def locate(settings: Settings) -> Callable[[str], list[str]]:
    """Make the Kubernetes program ready, which may take minutes; returns component -> command without flags."""
    return toolchain.ensure("kube", settings).command
