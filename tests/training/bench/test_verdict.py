"""What a result means."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.training.bench.samples import document, process, report
from training.bench import verdict
from training.bench.verdict import Outcome, judge

Change = Callable[[dict[str, Any]], object]


def test_all_ranks_right_sums_and_bandwidth_above_zero_are_a_pass() -> None:
    found = judge(document())
    assert found.outcome is Outcome.PASS
    assert found.reasons == ()
    assert {check.outcome for check in found.checks} == {Outcome.PASS}
    assert any("GB/s at best" in check.measured for check in found.checks)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: r["ranks"][1].update(reported=False), "1 of 2 ranks reported"),
        (lambda r: r["ranks"].pop(), "1 of 2 ranks reported"),
        (lambda r: r["ranks"][1].update(r["ranks"][0], rank=1), "2 ranks are 1 processes"),
        (lambda r: r["allreduce"][0].update(wrong_sums=2), "2 sums are wrong"),
        (lambda r: r["allreduce"][0].update(busbw_gb_per_s=0.0), "0 GB/s at a message size"),
        (lambda r: r["allreduce"].clear(), "no all-reduce was measured"),
        (lambda r: r["gemm"][0].update(right=False), "1 of 2 are wrong"),
        (lambda r: r["gemm"].clear(), "no matrix product was measured"),
        (lambda r: r["errors"].append("rank 1: out of memory"), "rank 1: out of memory"),
        (lambda r: r.update(measured=False), "holds no measurement"),
        (lambda r: r.update(schema_version=3), "schema version 3"),
        (lambda r: r.pop("schema_version"), "schema version None"),
        (lambda r: r.update(world_size=0), "all ranks reported"),
    ],
)
def test_each_thing_that_is_wrong_fails_and_is_named(change: Change, reason: str) -> None:
    result = copy.deepcopy(document())
    change(result)
    found = judge(result)
    assert found.failed
    assert any(reason in line for line in found.reasons), found.reasons


def test_no_result_is_a_failure() -> None:
    assert judge(None).failed


def test_a_run_that_lost_a_rank_fails() -> None:
    hello = {"rank": 1, "process": process(1), "figures": None, "error": None}
    found = judge(document({0: report(0), 1: hello}, ["rank 1 (job-1) went away without a report"]))
    assert found.failed
    assert found.reasons[0] == "rank 1 (job-1) went away without a report"


def test_one_device_has_no_bandwidth_and_is_not_failed_for_it() -> None:
    result = document()
    result["allreduce"][0].update(devices=1, busbw_gb_per_s=0.0)
    result.update(world_size=1, ranks=result["ranks"][:1])
    found = judge(result)
    assert found.outcome is Outcome.PASS
    bandwidth = next(check for check in found.checks if check.name == "bus bandwidth")
    assert (bandwidth.outcome, bandwidth.measured) == (Outcome.NOT_MEASURED, "")


def test_not_measured_and_scheduled_are_neither_pass_nor_failure() -> None:
    nothing, placed = verdict.not_measured("needs root"), verdict.scheduled(2, 2)
    assert (nothing.outcome, placed.outcome) == ("not measured", "scheduled, not measured")
    assert not nothing.failed
    assert not placed.failed
    assert nothing.reasons == ("needs root",)


def test_it_needs_the_standard_library_only() -> None:
    script = "import sys; sys.modules['jax'] = sys.modules['numpy'] = None; import training.bench.verdict"
    subprocess.run([sys.executable, "-S", "-c", script], check=True)
