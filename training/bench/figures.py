"""Findings of the ranks made into figures: one list of rows per part. Pure.

A row is made of what every rank found where the part is a joint one (collectives, checkpoint, train), and of each
rank's own where it is not (products, memory); of files, ranks work at once and their speeds add up.
"""

from __future__ import annotations

from typing import Any

from .arithmetic import algorithm_bandwidth, bus_bandwidth, exchange_bandwidth, matmul_tflops, slowest, summary
from .reports import Message

Row = dict[str, Any]


def of(part: str, whole: list[Message], world_size: int) -> list[Row]:
    """The rows of one part; `whole` are the reports that have figures, by rank."""
    if part in EACH:
        return [EACH[part](report["rank"], one) for report in whole for one in report["figures"].get(part, ())]
    return [JOINT[part](group) for group in _groups(whole, part, world_size)]


def _groups(whole: list[Message], part: str, world_size: int) -> list[list[Message]]:
    """Findings that belong together: the n-th of every rank. Nothing when a rank is missing."""
    if len(whole) < world_size:
        return []
    return [list(group) for group in zip(*(report["figures"].get(part, ()) for report in whole), strict=False)]


def _gemm(rank: int, one: Message) -> Row:
    seconds = summary(one["seconds"])
    return {
        "rank": rank,
        "device": one.get("device", 0),
        "n": one["n"],
        "dtype": one["dtype"],
        "repetitions": len(one["seconds"]),
        "seconds": seconds,
        "tflop_per_s": matmul_tflops(one["n"], seconds["median"]),
        "relative_error": one["relative_error"],
        "right": one["right"],
    }


def _memory(rank: int, one: Message) -> Row:
    seconds = summary(one["seconds"])
    return {
        "rank": rank,
        "device": one.get("device", 0),
        "operation": one["operation"],
        "bytes": one["bytes"],
        "seconds": seconds,
        "gb_per_s": algorithm_bandwidth(one["moved"], seconds["median"]),
    }


def _allreduce(group: list[Message]) -> Row:
    return _collective(group) | {
        "busbw_gb_per_s": bus_bandwidth(group[0]["bytes"], _median(group), group[0]["devices"]),
        "wrong_sums": sum(one["wrong_sums"] for one in group),
    }


def _alltoall(group: list[Message]) -> Row:
    return _collective(group) | {
        "busbw_gb_per_s": exchange_bandwidth(group[0]["bytes"], _median(group), group[0]["devices"]),
        "wrong": sum(one["wrong"] for one in group),
    }


def _collective(group: list[Message]) -> Row:
    size = group[0]["bytes"]
    seconds = summary(slowest([one["seconds"] for one in group]))
    return {
        "bytes": size,
        "dtype": group[0]["dtype"],
        "devices": group[0]["devices"],
        "repetitions": len(group[0]["seconds"]),
        "seconds": seconds,
        "algbw_gb_per_s": algorithm_bandwidth(size, seconds["median"]),
    }


def _median(group: list[Message]) -> float:
    return summary(slowest([one["seconds"] for one in group]))["median"]


def _storage(group: list[Message]) -> Row:
    """All ranks together: the bytes of all over the time of the slowest."""
    total, seconds = sum(one["bytes"] for one in group), max(max(one["seconds"]) for one in group)
    return {
        "operation": group[0]["operation"],
        "ranks": len(group),
        "bytes": total,
        "seconds": seconds,
        "gb_per_s": algorithm_bandwidth(total, seconds),
        "direct": all(one["direct"] for one in group),
        "tool": ", ".join(sorted({one["tool"] for one in group})),
    }


def _metadata(group: list[Message]) -> Row:
    files = sum(one["files"] for one in group)
    rates = {
        f"{operation}_per_s": files / max(one["seconds"][operation] for one in group)
        for operation in ("create", "stat", "remove")
    }
    return {"ranks": len(group), "files": files, **rates, "tool": group[0]["tool"]}


def _checkpoint(group: list[Message]) -> Row:
    save, load = (max(one[f"{what}_seconds"] for one in group) for what in ("save", "load"))
    size = group[0]["bytes"]
    return {
        "bytes": size,
        "shared": group[0]["shared"],
        "save_seconds": save,
        "load_seconds": load,
        "save_gb_per_s": algorithm_bandwidth(size, save),
        "load_gb_per_s": algorithm_bandwidth(size, load),
        "wrong": sum(not one["right"] for one in group),
    }


def _first(group: list[Message]) -> Row:
    """Rank 0 has summed up already."""
    return dict(group[0])


EACH = {"gemm": _gemm, "memory": _memory}
JOINT = {
    "allreduce": _allreduce,
    "alltoall": _alltoall,
    "storage": _storage,
    "metadata": _metadata,
    "checkpoint": _checkpoint,
    "dataloader": _first,
    "train": _first,
}
