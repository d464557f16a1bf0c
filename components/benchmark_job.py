"""The acceptance benchmark of one pool: a job that says whether the money buys what the catalog promises.

Holds what it measures and the thresholds it is held against, which travel with the program. The program itself is
`training/bench`; how a job stands in the cluster is `workload_job`.
"""

from __future__ import annotations

import json
from typing import Literal

import pulumi
from pydantic import Field

from components import gates, program
from components.file_system_volume import VolumeSource
from components.placement import Placement
from components.workload import Workload
from components.workload_job import Ground, JobSpec, WorkloadJob, labels
from components.workload_pod import PROGRAM_FOLDER, TEMPORARY, VOLUME_FOLDER

COMPONENT = "benchmark"
PACKAGE = "training.bench"
THRESHOLDS = "thresholds.json"
BELOW_THRESHOLD = 3
"""Exit code of the program: the machines are slow, and measuring again would not make them faster."""
USUAL_LARGEST = 16 << 30
COPIES = 4
"""A message that no threshold asks for takes a quarter of a device's memory at most: JAX holds it twice."""
SECONDS_OF_FILES = 60
"""How long writing the files of a measurement may take at the throughput that was bought."""
LEAST_FILE, MOST_FILE, FILE_WITHOUT_VOLUME = 256 << 20, 16 << 30, 1 << 30
Part = Literal["gemm", "memory", "allreduce", "alltoall", "storage", "metadata", "checkpoint", "dataloader", "train"]


class BenchmarkSpec(JobSpec):
    """What runs on a pool to accept it."""

    ranks: int | None = Field(None, ge=1, description="Pods, each with an even share of its node. Default: one a node.")
    deadline_minutes: int = Field(30, ge=1, description="Minutes after which a run counts as failed.")
    parts: tuple[Part, ...] = Field(
        (), description="What is measured. Default: everything that the image has the libraries for."
    )
    preset: str | None = Field(
        None, description="Training preset of the parts train and dataloader. Default: bloom-560m, tiny on CPUs."
    )


def benchmark(spec: BenchmarkSpec, ground: Ground, pool: str) -> Workload:
    """The benchmark of a pool as plain data."""
    placement, site = ground.placements[pool], ground.site
    ranks = spec.ranks or max(placement.nodes, 1)
    claim = ground.claim(pool)
    accelerator = placement.instance.accelerator
    peak = accelerator.bf16_tflops if accelerator else None
    volume = _volume(ground.file_system) if claim else None
    limits = gates.thresholds(placement, ranks, volume)
    return Workload(
        name=f"benchmark-{pool}",
        image=spec.image,
        command=("python", "-m", PACKAGE, *(spec.parts or ("all",)), *(() if placement.vendor else ("--cpu",))),
        ranks=ranks,
        placement=placement,
        program={**program.read(PACKAGE), THRESHOLDS: json.dumps(limits, indent=1, sort_keys=True)},
        labels=labels(site, COMPONENT, pool),
        run=spec.run(spec.deadline_minutes),
        environment={
            "BENCH_IMAGE": spec.image,
            "BENCH_THRESHOLDS": f"{PROGRAM_FOLDER}/{THRESHOLDS}",
            **_sizes(placement, ranks, gates.largest_message(limits), volume),
            "BENCH_STORAGE": VOLUME_FOLDER if claim else TEMPORARY,
            # Below the folder that the object store can be linked to; no run can have this name.
            **({"BENCH_OUTPUT": f"{VOLUME_FOLDER}/checkpoints/_results/$(RESULT_CONFIGMAP)"} if claim else {}),
            **({"BENCH_PEAK_TFLOPS": str(peak)} if peak else {}),
            **({"BENCH_PRESET": spec.preset} if spec.preset else {}),
        },
        claim=claim,
        fail_on=(2, BELOW_THRESHOLD),
    )


def _sizes(placement: Placement, ranks: int, needed: int | None, volume: gates.Volume | None) -> dict[str, str]:
    """How large messages and files are: as the thresholds need, else as the devices and the file system can bear."""
    accelerator = placement.instance.accelerator
    if accelerator is None:
        return {}  # what is usual on CPUs
    memory = int((accelerator.memory_gib or 0) * (1 << 30)) or USUAL_LARGEST * COPIES
    usual = 1 << (min(USUAL_LARGEST, memory // COPIES).bit_length() - 1)
    devices = ranks * max(accelerator.count // placement.pods_per_node(ranks), 1)
    bearable = int(volume.gb_per_s * 1e9 * SECONDS_OF_FILES / devices) if volume else FILE_WITHOUT_VOLUME
    file = min(max(bearable, LEAST_FILE), MOST_FILE, usual)
    return {"BENCH_LARGEST": str(max(needed or 0, usual)), "BENCH_FILE_BYTES": str(file)}


def _volume(source: VolumeSource | None) -> gates.Volume | None:
    return gates.Volume(source.capacity_gib, source.mb_s_per_tib, source.efa) if source else None


class BenchmarkJob(WorkloadJob):
    """A run of the benchmark on a pool, and where it will say how it went."""

    def __init__(
        self,
        name: str,
        spec: BenchmarkSpec,
        *,
        ground: Ground,
        pool: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "aidc:benchmark_job:BenchmarkJob",
            name,
            benchmark(spec, ground, pool),
            ground=ground,
            pool=pool,
            part=COMPONENT,
            opts=opts,
        )
