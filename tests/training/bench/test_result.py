"""The result: figures of all ranks put together, nothing made up."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.training.bench.samples import document, process, report, settings
from training.bench import result


def test_the_result_of_a_healthy_run_has_every_part() -> None:
    found = document()
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {
        "schema_version", "kind", "measured", "started", "finished", "world_size", "parts", "method", "ranks",
        "environment", "transport", "allreduce", "gemm", "not_measured", "thresholds", "checks", "errors",
    }  # fmt: skip
    assert (found["schema_version"], found["measured"], found["world_size"]) == (2, True, 2)
    assert [rank["hostname"] for rank in found["ranks"]] == ["job-0", "job-1"]
    assert result.succeeded(found)


def test_each_repetition_counts_with_its_slowest_rank_and_the_median_of_those() -> None:
    """Ranks needed (1, 2, 4) and (3, 1, 2) ms: the collective 3, 2, 4 ms."""
    row = document()["allreduce"][0]
    assert row["seconds"] == {"median": 0.003, "min": 0.002, "max": 0.004}
    assert row["busbw_gb_per_s"] == pytest.approx((1 << 20) / 0.003 / 1e9)
    assert row["repetitions"] == 3


def test_matrix_products_are_told_by_rank() -> None:
    assert [(row["rank"], row["tflop_per_s"]) for row in document()["gemm"]] == [(0, 0.01), (1, 0.01)]


def test_an_all_reduce_that_a_rank_did_not_report_has_no_figure() -> None:
    hello = {"rank": 1, "process": process(1), "figures": None, "error": None}
    found = document({0: report(0), 1: hello}, ["rank 1 (job-1) went away without a report"])
    assert found["allreduce"] == []
    assert not result.succeeded(found)
    failed = [check["name"] for check in found["checks"] if not check["ok"]]
    assert failed == ["all ranks reported", "every sum is right"]
    assert [rank["reported"] for rank in found["ranks"]] == [True, False]


def test_nothing_measured_says_so() -> None:
    found = document({}, ["rank 0 did not report"])
    assert (found["measured"], found["allreduce"], found["gemm"]) == (False, [], [])
    assert found["environment"] == {"machine": None, "software": None}


def test_a_wrong_sum_on_any_rank_fails_its_check() -> None:
    found = document({0: report(0), 1: report(1, wrong=1)})
    assert found["allreduce"][0]["wrong_sums"] == 1
    assert [check["name"] for check in found["checks"] if not check["ok"]] == ["every sum is right"]


def test_two_ranks_that_are_one_process_do_not_count_as_two() -> None:
    twin = report(1) | {"process": report(0)["process"]}
    found = document({0: report(0), 1: twin})
    assert [check["name"] for check in found["checks"] if not check["ok"]] == ["ranks are distinct processes"]


def test_the_transport_is_that_of_a_rank_that_had_to_use_it() -> None:
    assert document()["transport"]["name"] == "gloo 1"


def test_what_was_not_asked_for_is_not_checked() -> None:
    everything, only = settings(1), replace(settings(1), parts=("gemm",))
    asked, less = (
        {check["name"] for check in result.build(one, {}, [], "", "")["checks"]} for one in (everything, only)
    )
    assert asked - less == {"every sum is right"}
