"""Thresholds of a pool's benchmark, held against published records: healthy ones pass, halved ones fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog import acceptance, benchmarks, instances
from catalog.benchmarks import Collective
from catalog.efa import efa_count, efa_plans
from components import gates
from components.placement import Placement
from training.bench import verdict
from training.bench.gates import Outcome, held

LARGE = 1 << 30
PUBLISHED = [
    row for row in benchmarks.collectives() if row.collective == "all_reduce" and (row.message_bytes or 0) >= LARGE
]


def threshold(row: Collective) -> dict[str, Any] | None:
    """The all-reduce threshold of a record's machine; None without a cap."""
    if row.accelerators is None or row.nodes is None:
        return None
    cap = acceptance.all_reduce_cap(row.accelerator, row.accelerators, row.nodes, row.node_nic_gb_s)
    if cap is None:
        return None
    floor = acceptance.floors["all-reduce"]
    return {"name": "all-reduce", "of": "allreduce", "expected": cap.gb_per_s, "unit": "GB/s", "basis": row.platform,
            "fail_below": floor.fail_below, "warn_below": floor.warn_below,
            "at_least_bytes": cap.saturated_bytes}  # fmt: skip


def outcome(row: Collective, share: float) -> Outcome:
    found = threshold(row)
    assert found
    result = {"allreduce": [{"bytes": row.message_bytes, "busbw_gb_per_s": row.bus_gb_s * share}]}
    (check,) = held(result, {"checks": [found]})
    return check.outcome


def saturates(row: Collective) -> bool:
    found = threshold(row)
    return found is not None and (row.message_bytes or 0) >= found["at_least_bytes"]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row.platform}-{row.nodes}x-{row.message_bytes}")
def test_a_healthy_record_passes_and_a_halved_one_fails_or_the_reason_is_listed(row: Collective) -> None:
    if row.platform in acceptance.exceptions:
        assert acceptance.exceptions[row.platform]
        return
    assert threshold(row), f"{row.platform}: no cap, and not in collective_exceptions.csv"
    if not saturates(row):
        assert acceptance.is_of(row.accelerator, "B300"), "only B300 needs more than 1 GiB"
        return
    assert outcome(row, 1.0) in {Outcome.PASS, Outcome.WARN}
    assert outcome(row, 0.5) is Outcome.FAIL


def test_enough_records_were_held_against_their_cap() -> None:
    held_against = [row for row in PUBLISHED if row.platform not in acceptance.exceptions and saturates(row)]
    assert len(held_against) >= 30
    assert any(acceptance.is_of(row.accelerator, "B300") for row in held_against), "B300 at 64 GiB"


def pool(instance: str, nodes: int, interfaces: int) -> Placement:
    return Placement("pool", instances[instance], nodes, interfaces)


def healthy(instance: str, nodes: int) -> dict[str, Any]:
    """A result of machines that deliver what is expected of them."""
    full = gates.thresholds(pool(instance, nodes, 0), nodes, gates.Volume(38400, 125, efa=True))
    expected = {one["of"]: one["expected"] for one in full["checks"]}
    accelerator = instances[instance].accelerator
    assert accelerator
    ranks = [
        {"rank": rank, "hostname": f"job-{rank}", "pid": 1, "reported": True, "platform": "cuda",
         "local_devices": accelerator.count, "fabric_interfaces": expected.get("interfaces")}
        for rank in range(nodes)
    ]  # fmt: skip
    size = {one["of"]: one.get("at_least_bytes", 0) for one in full["checks"]}
    return {
        "schema_version": 2,
        "measured": True,
        "world_size": nodes,
        "parts": ["gemm", "memory", "allreduce", "storage"],
        "ranks": ranks,
        "transport": {"name": "nccl over OFI (efa)"},
        "allreduce": [{"bytes": size["allreduce"], "devices": expected["devices"], "wrong_sums": 0,
                       "busbw_gb_per_s": expected["allreduce"]}],
        "alltoall": [{"bytes": size.get("alltoall", 0), "busbw_gb_per_s": expected.get("alltoall", 1.0)}],
        "gemm": [{"rank": rank, "device": 0, "dtype": "bfloat16", "tflop_per_s": expected["gemm"], "right": True}
                 for rank in range(nodes)],
        "memory": [{"rank": 0, "device": 0, "operation": "copy", "gb_per_s": expected["memory"]}],
        "storage": [{"operation": kind, "gb_per_s": expected[f"storage-{kind}"]} for kind in ("write", "read")],
        "thresholds": full,
        "errors": [],
    }  # fmt: skip


MACHINES = [("p5.48xlarge", 2), ("p5en.48xlarge", 4), ("p6-b200.48xlarge", 4), ("p6-b300.48xlarge", 2)]


@pytest.mark.parametrize(("instance", "nodes"), MACHINES)
def test_machines_that_deliver_pass_every_check(instance: str, nodes: int) -> None:
    found = verdict.judge(healthy(instance, nodes))
    assert (found.outcome, found.reasons) == (Outcome.PASS, ())


@pytest.mark.parametrize(("instance", "nodes"), MACHINES)
def test_half_the_interfaces_fail_whatever_the_pool_says(instance: str, nodes: int) -> None:
    """The pool was cut, so its pods ask for half and get half; what was bought is in the catalog."""
    whole = acceptance.fabric_interfaces(instances[instance])
    assert whole
    result = healthy(instance, nodes)
    result["thresholds"] = gates.thresholds(pool(instance, nodes, whole // 2), nodes)
    for rank in result["ranks"]:
        rank["fabric_interfaces"] = whole // 2
    found = verdict.judge(result)
    assert found.failed
    (check,) = [check for check in found.checks if check.outcome is Outcome.FAIL]
    assert (check.ratio, check.measured, check.expected) == (0.5, str(whole // 2), str(whole))
    assert "launch template" in check.likely[0]


@pytest.mark.parametrize("figure", ["allreduce", "gemm", "memory", "storage"])
def test_each_figure_that_is_halved_fails_with_its_ratio_and_likely_causes(figure: str) -> None:
    result = healthy("p5.48xlarge", 2)
    for row in result[figure]:
        for name in ("busbw_gb_per_s", "tflop_per_s", "gb_per_s"):
            if name in row:
                row[name] /= 2.02
    failed = [check for check in verdict.judge(result).checks if check.outcome is Outcome.FAIL]
    assert failed
    assert all(check.ratio == pytest.approx(0.495, abs=0.001) and check.likely for check in failed)


def test_tcp_where_efa_is_expected_fails_and_is_named() -> None:
    result = healthy("p5.48xlarge", 2) | {"transport": {"name": "nccl over Socket"}}
    found = verdict.judge(result)
    assert found.failed
    assert "it went by nccl over Socket, expected efa" in found.reasons[0]


def test_one_slow_accelerator_of_many_fails() -> None:
    result = healthy("p5.48xlarge", 2)
    result["gemm"].append({"rank": 1, "device": 5, "dtype": "bfloat16", "tflop_per_s": 400.0, "right": True})
    assert verdict.judge(result).failed


def test_what_was_not_measured_is_no_pass() -> None:
    result = healthy("p5.48xlarge", 2)
    result["allreduce"][0]["bytes"] = 1 << 20
    found = verdict.judge(result)
    assert found.outcome is Outcome.NOT_MEASURED
    assert "no message of 1073741824 bytes or more was measured" in found.reasons[0]


def test_a_machine_without_a_published_rate_is_held_against_its_peak_and_says_so() -> None:
    found = gates.thresholds(pool("g6e.xlarge", 1, 0), 1)["checks"]
    product = next(one for one in found if one["of"] == "gemm")
    assert (product["expected"], product["basis"]) == (362, "not published for NVIDIA L40S: its peak, or unknown")


@pytest.mark.parametrize(("over_efa", "expected", "fabric"), [(True, 175.0, "EFA"), (False, 25.0, "TCP")])
def test_a_file_system_is_held_against_the_way_its_clients_can_take(
    over_efa: bool, expected: float, fabric: str
) -> None:
    """Fast servers do not help a client in another zone, or of a type that mounts over TCP."""
    place = replace(pool("p5en.48xlarge", 2, 16), file_system_over_efa=over_efa)
    found = gates.thresholds(place, 2, gates.Volume(384_000, 1000, efa=True))["checks"]
    (write,) = [one for one in found if one["of"] == "storage-write"]
    assert write["expected"] == expected
    assert write["basis"].endswith(f"at most over {fabric}")


def test_cpu_nodes_have_no_thresholds() -> None:
    assert gates.thresholds(pool("c7i.2xlarge", 1, 0), 2)["checks"] == []


def test_the_interfaces_of_the_row_are_those_of_its_plans() -> None:
    """So that an expectation from the row can be met by a pool from a plan."""
    for name, plans in efa_plans.items():
        assert acceptance.fabric_interfaces(instances[name]) in {efa_count(plan) for plan in plans.values()}, name
