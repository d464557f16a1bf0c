"""What a figure depends on: machine, versions, devices. Unknown stays None."""

from __future__ import annotations

# pyright: reportMissingImports=false
# JAX and NumPy are in the environment of the benchmark, not in that of the toolkit.
import os
import platform
import socket
from pathlib import Path
from typing import Any


def process() -> dict[str, Any]:
    """Who reports. Two processes of one machine differ in pid namespace or pid, two machines in their boot id."""
    return {
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "pid_namespace": _link("/proc/self/ns/pid"),
        "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
        "node": os.environ.get("NODE_NAME"),
    }


def machine() -> dict[str, Any]:
    """The machine as the rank sees it."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cpu_model": _cpu_model(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
        "image": os.environ.get("BENCH_IMAGE"),
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith(TOLD)},
    }


TOLD = ("NCCL_", "FI_", "XLA_", "JAX_", "NEURON_", "TPU_", "OMP_")
"""Prefixes of variables that change figures."""


def software() -> dict[str, Any]:
    """JAX and its devices. Imports JAX: for the worker only."""
    import jax
    import jaxlib

    return {
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "platform": jax.default_backend(),
        "platform_version": jax.local_devices()[0].client.platform_version.splitlines()[0],
        "device_kind": jax.local_devices()[0].device_kind,
        "local_devices": jax.local_device_count(),
        "devices": jax.device_count(),
    }


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _link(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except OSError:
        return None
