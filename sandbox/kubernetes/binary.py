"""Which program each control-plane component is."""

from __future__ import annotations

import os
from collections.abc import Callable

from sandbox import toolchain


def locate(progress: Callable[[str], None]) -> Callable[[str], list[str]]:
    """Make the Kubernetes program ready, which may take minutes; returns component -> command without flags."""
    if path := os.environ.get("AIDC_KUBE"):
        return lambda component: [path, component]
    progress("Kubernetes program")
    return toolchain.ensure("kube").command
