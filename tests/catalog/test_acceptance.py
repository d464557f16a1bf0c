"""Caps, rates and floors that acceptance benchmarks are held against."""

from __future__ import annotations

import pytest

from catalog import acceptance, benchmarks


def test_the_cap_is_the_formula_of_the_network_or_the_limit_inside_the_node() -> None:
    """50 GB/s x 15/16 x 2 = 93.75; eight H100 are held at the 480 GB/s of NVLS."""
    slow = acceptance.all_reduce_cap("A100-80GB", 16, 2, 50)
    fast = acceptance.all_reduce_cap("NVIDIA H100 SXM5", 16, 2, 400)
    assert slow and (slow.gb_per_s, slow.limited_by) == (pytest.approx(93.75), "network")
    assert fast and (fast.gb_per_s, fast.limited_by) == (480, "NVLS")


def test_few_accelerators_of_a_node_use_a_ring() -> None:
    four, eight = (acceptance.all_reduce_cap("H200", count, 1, None) for count in (4, 8))
    assert four and eight and (four.gb_per_s, eight.gb_per_s) == (365, 480)


def test_what_cannot_be_computed_is_unknown() -> None:
    assert acceptance.all_reduce_cap("MI300X", 16, 2, 400) is None
    assert acceptance.all_reduce_cap("H100", 16, 2, None) is None
    assert acceptance.all_reduce_cap("H100", 1, 1, 400) is None


@pytest.mark.parametrize(
    ("accelerator", "rate"), [("NVIDIA H100 SXM5", 794.5), ("NVIDIA H200 SXM", 798), ("NVIDIA B300", 1769)]
)
def test_a_chip_finds_its_own_best_rate(accelerator: str, rate: float) -> None:
    found = acceptance.matrix_product(accelerator, "bf16")
    assert found and found.high == rate


def test_a_chip_without_a_row_has_no_rate() -> None:
    assert acceptance.matrix_product("NVIDIA L40S", "bf16") is None


def test_every_exception_is_a_platform_of_the_table() -> None:
    assert set(acceptance.exceptions) <= {one.platform for one in benchmarks.collectives()}


def test_floors_fail_below_where_they_warn() -> None:
    assert all(0 < floor.fail_below < floor.warn_below < 1 for floor in acceptance.floors.values())
