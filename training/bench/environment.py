"""What a figure depends on: machine, versions, devices. Unknown stays None."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
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
    """The machine as the rank sees it. Libraries and devices are told by the worker, which has them loaded."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "cpu_model": _cpu_model(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
        "image": os.environ.get("BENCH_IMAGE"),
        "gpus": gpus(),
        "clocks": _clocks(),
        "rdma_devices": len(list(Path("/dev/infiniband").glob("uverbs*"))),
        "settings": {name: value for name, value in sorted(os.environ.items()) if name.startswith(TOLD)},
    }


TOLD = ("NCCL_", "FI_", "XLA_", "JAX_", "NEURON_", "TPU_", "MEGASCALE_", "OMP_", "TORCH_", "PYTORCH_")
"""Prefixes of variables that change figures."""


def gpus() -> int:
    """NVIDIA GPUs that this container may use, without asking a library."""
    return len([path for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit()])


def _clocks() -> dict[str, Any]:
    """What limits and sets the speed of processors: governor and present frequency of CPUs, clocks of GPUs."""
    folder = "/sys/devices/system/cpu/cpu0/cpufreq"
    found: dict[str, Any] = {
        "cpu_governor": _first_line(f"{folder}/scaling_governor"),
        "cpu_khz": _first_line(f"{folder}/scaling_cur_freq"),
    }
    if gpus() and (query := _nvidia_smi()):
        found["gpus"] = query
    return found


def _nvidia_smi() -> list[str]:
    """One line a GPU: name, driver, clocks and limits; nothing without the tool."""
    fields = "name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,power.limit,temperature.gpu,ecc.mode.current"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


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
