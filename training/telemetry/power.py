"""Power and energy of the accelerator, by NVIDIA's management library. Absent: None, "not measured"."""

from __future__ import annotations

# pyright: reportMissingImports=false
import contextlib
import os
from typing import Any


class PowerMeter:
    """Reads device `index` of those visible to this process. Never raises: what cannot be read is None."""

    def __init__(self, index: int = 0) -> None:
        self._library: Any = None
        self._device: Any = None
        self._start: float | None = None
        try:
            import pynvml  # package nvidia-ml-py

            pynvml.nvmlInit()
            self._library = pynvml
            self._device = pynvml.nvmlDeviceGetHandleByIndex(_physical(index))
            self._start = self._energy()
        except Exception:  # noqa: BLE001 - no package, no driver, no such device: not measured
            self.close()

    @property
    def measures(self) -> bool:
        return self._device is not None

    def power_w(self) -> float | None:
        """Watts now (the board's own average over about a second)."""
        if self._device is None:
            return None
        with contextlib.suppress(Exception):
            return self._library.nvmlDeviceGetPowerUsage(self._device) / 1e3  # milliwatts
        return None

    def energy_j(self) -> float | None:
        """Joules since this meter was made."""
        now = self._energy()
        return None if now is None or self._start is None else now - self._start

    def close(self) -> None:
        """May be called twice."""
        if self._library is not None:
            with contextlib.suppress(Exception):
                self._library.nvmlShutdown()
        self._library = self._device = None

    def _energy(self) -> float | None:
        """Joules since the driver was loaded (Volta and newer)."""
        if self._device is None:
            return None
        with contextlib.suppress(Exception):
            return self._library.nvmlDeviceGetTotalEnergyConsumption(self._device) / 1e3  # millijoules
        return None


def _physical(index: int) -> int:
    """NVML counts all devices, CUDA_VISIBLE_DEVICES may show this process fewer. Devices named by UUID: by place."""
    visible = [one.strip() for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one.strip()]
    if index < len(visible) and visible[index].isdigit():
        return int(visible[index])
    return index
