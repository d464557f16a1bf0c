"""How large the measurements are when nobody says: by kind of device. Pure."""

from __future__ import annotations

CPU_SIZES = (4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20)
ACCELERATOR_SIZES = (*CPU_SIZES, 256 << 20, 1 << 30, 4 << 30, 16 << 30)
LARGEST_ALLTOALL = 1 << 30
CPU_ORDERS = (512, 1024)
ACCELERATOR_ORDERS = (4096, 8192)
CPU_MEMORY, ACCELERATOR_MEMORY = 128 << 20, 4 << 30
CPU_FILE, ACCELERATOR_FILE = 64 << 20, 16 << 30
CPU_FILES, ACCELERATOR_FILES = 500, 10_000


def sizes(on_cpu: bool, largest: int | None = None) -> tuple[int, ...]:
    """Message sizes of a collective in bytes a rank. `largest`: the size that must be reached on accelerators."""
    if on_cpu:
        return CPU_SIZES
    end = LARGEST_ALLTOALL if largest is None else largest
    return (*(size for size in ACCELERATOR_SIZES if size < end), end)


def orders(on_cpu: bool) -> tuple[int, ...]:
    """Orders of square matrices."""
    return CPU_ORDERS if on_cpu else ACCELERATOR_ORDERS


def memory_bytes(on_cpu: bool) -> int:
    """Bytes of one array of the memory measurement: far more than any cache holds."""
    return CPU_MEMORY if on_cpu else ACCELERATOR_MEMORY


def file_bytes(on_cpu: bool) -> int:
    """Bytes that each rank writes and reads."""
    return CPU_FILE if on_cpu else ACCELERATOR_FILE


def files(on_cpu: bool) -> int:
    """Files that each rank makes, looks at and removes."""
    return CPU_FILES if on_cpu else ACCELERATOR_FILES


def preset(on_cpu: bool) -> str:
    """Training preset of the parts train and dataloader."""
    return "bloom-560m-tiny" if on_cpu else "bloom-560m"
