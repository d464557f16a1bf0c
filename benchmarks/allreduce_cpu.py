"""All-reduce between two processes on this machine: our benchmark with JAX and with torch, beside a plain torch loop.

    <Python with PyTorch> benchmarks/allreduce_cpu.py --jax <Python with JAX>

All three use Gloo over TCP on the loopback and the same sizes and repetitions, in turns, so that what disturbs the
machine disturbs all of them. Bus bandwidth is that of nccl-tests: bytes / seconds x 2 (n - 1) / n.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from record import machine, store

ROOT = Path(__file__).resolve().parent.parent
SIZES = (65536, 1 << 20, 1 << 24, 1 << 26)
RANKS, WARMUP, REPETITIONS, TURNS = 2, 3, 15, 5
LOOP = f"""
import json, os, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
found = {{}}
for size in {SIZES}:
    data, seconds = torch.ones(size // 4), []
    for turn in range({WARMUP} + {REPETITIONS}):
        data.fill_(1.0)
        dist.barrier()
        start = time.perf_counter()
        dist.all_reduce(data)
        seconds.append(time.perf_counter() - start)
    slowest = torch.tensor(seconds[{WARMUP}:])
    dist.all_reduce(slowest, dist.ReduceOp.MAX)
    found[size] = sorted(slowest.tolist())[{REPETITIONS} // 2]
if dist.get_rank() == 0:
    print(json.dumps(found))
dist.destroy_process_group()
"""


def port() -> int:
    """A port that is free, with its neighbour."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            number = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", number + 1))
            except OSError:
                continue
            return number


def ranks(command: list[str]) -> str:
    """Run a command once a rank; the output of rank 0."""
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port()), "WORLD_SIZE": str(RANKS),
              "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}  # fmt: skip
    started = [
        subprocess.Popen(
            command,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank), "JOB_COMPLETION_INDEX": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(RANKS)
    ]
    said = [one.communicate(timeout=600) for one in started]
    for one, (_, errors) in zip(started, said, strict=True):
        if one.returncode:
            raise SystemExit(f"{' '.join(command[:3])}: exit code {one.returncode}\n{errors}")
    return said[0][0]


def plain() -> dict[int, float]:
    """Median seconds by size of the plain loop."""
    return {int(size): seconds for size, seconds in json.loads(ranks([sys.executable, "-c", LOOP])).items()}


def ours(python: str, backend: str) -> dict[int, float]:
    """Median seconds by size of our benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = ",".join(map(str, SIZES))
        flags = ["--cpu", "--backend", backend, "--sizes", sizes, "--warmup", str(WARMUP)]
        ranks(
            [python, "-m", "training.bench", "allreduce", *flags, "--repetitions", str(REPETITIONS), "--output", folder]
        )
        rows = json.loads((Path(folder) / "result.json").read_text())["allreduce"]
    return {int(row["bytes"]): row["seconds"]["median"] for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description="Our all-reduce benchmark beside a plain torch loop.")
    parser.add_argument("--jax", required=True, help="Python that has JAX: `python -m sandbox tools` shows where it is")
    given = parser.parse_args()
    where = machine()
    ways = {"plain": plain, "torch": lambda: ours(sys.executable, "torch"), "jax": lambda: ours(given.jax, "jax")}
    turns: dict[str, list[dict[int, float]]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            turns[name].append(way())
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        seconds = {name: statistics.median(turn[size] for turn in found) for name, found in turns.items()}
        busbw = {name: size / taken * 2 * (RANKS - 1) / RANKS / 1e9 for name, taken in seconds.items()}
        rows.append({"bytes": size, "seconds": seconds, "busbw_gb_per_s": busbw})
    lines = [
        f"Gloo over TCP on the loopback, {RANKS} processes; GB/s of bus bandwidth, median of {TURNS} turns.",
        "",
        "| bytes | plain torch loop | our benchmark, torch | ratio | our benchmark, JAX | ratio |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        bandwidth = row["busbw_gb_per_s"]
        cells = [f"{bandwidth['plain']:.3f}"]
        for name in ("torch", "jax"):
            cells += [f"{bandwidth[name]:.3f}", f"**{bandwidth[name] / bandwidth['plain']:.2f}**"]
        lines.append(f"| {row['bytes']:,} | " + " | ".join(cells) + " |")
    store("allreduce_cpu", "All-reduce on a CPU, beside a plain torch loop", {"machine": where, "rows": rows}, lines)


if __name__ == "__main__":
    main()
