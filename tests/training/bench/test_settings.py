"""Settings of a rank, from the environment and the command line."""

from __future__ import annotations

import pytest

from training.bench.settings import PARTS, UsageError, load

JOB = {"JOB_COMPLETION_INDEX": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "job-0.svc", "MASTER_PORT": "29500",
       "RESULT_CONFIGMAP": "result"}  # fmt: skip


def test_an_indexed_job_tells_rank_world_and_master() -> None:
    found = load((), {}, JOB)
    assert (found.rank, found.world_size, found.master, found.port) == (1, 2, "job-0.svc", 29500)
    assert (found.report_port, found.config_map, found.parts) == (29501, "result", PARTS)


def test_without_anything_it_is_one_rank_with_sizes_by_device() -> None:
    found = load((), {}, {})
    assert (found.rank, found.world_size, found.master) == (0, 1, "127.0.0.1")
    assert (found.sizes, found.orders, found.config_map) == (None, None, None)


def test_a_flag_wins_over_the_environment() -> None:
    found = load(("gemm",), {"orders": "64,128"}, JOB | {"BENCH_ORDERS": "1024", "BENCH_SIZES": "4KiB, 1MiB"})
    assert (found.parts, found.orders, found.sizes) == (("gemm",), (64, 128), (4096, 1 << 20))


def test_all_problems_are_told_at_once() -> None:
    wrong = JOB | {"WORLD_SIZE": "two", "MASTER_PORT": "70000", "BENCH_SIZES": "6", "BENCH_DTYPES": "int8"}
    with pytest.raises(UsageError) as problem:
        load(("gossip",), {"repetitions": "0"}, wrong)
    assert [line.split(":")[0] for line in problem.value.problems] == [
        "WORLD_SIZE", "BENCH_DTYPES", "--repetitions", "MASTER_PORT", "BENCH_SIZES", "gossip",
    ]  # fmt: skip


def test_a_rank_outside_the_world_is_refused() -> None:
    with pytest.raises(UsageError, match="rank 2 of 2 ranks"):
        load((), {}, JOB | {"JOB_COMPLETION_INDEX": "2"})
