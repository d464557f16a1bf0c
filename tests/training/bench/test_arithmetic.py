"""Definitions of what is measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.bench.arithmetic import (
    algorithm_bandwidth,
    bus_bandwidth,
    expected_sum,
    matmul_tflops,
    parse_size,
    slowest,
    summary,
)


def test_bus_bandwidth_is_that_of_nccl_tests() -> None:
    """8 GiB over 16 ranks in 33.7 ms: algorithm bandwidth times 2 x 15 / 16."""
    assert algorithm_bandwidth(8 << 30, 0.0337) == pytest.approx(254.9, rel=1e-3)
    assert bus_bandwidth(8 << 30, 0.0337, 16) == pytest.approx(254.9 * 1.875, rel=1e-3)


def test_for_two_ranks_bus_and_algorithm_bandwidth_are_equal_and_one_rank_sends_nothing() -> None:
    assert bus_bandwidth(1000, 1e-6, 2) == algorithm_bandwidth(1000, 1e-6) == 1.0
    assert bus_bandwidth(1000, 1e-6, 1) == 0.0


@given(size=st.integers(1, 1 << 40), seconds=st.floats(1e-6, 1e3), ranks=st.integers(2, 4096))
def test_bus_bandwidth_is_one_to_two_times_algorithm_bandwidth(size: int, seconds: float, ranks: int) -> None:
    ratio = bus_bandwidth(size, seconds, ranks) / algorithm_bandwidth(size, seconds)
    assert 1.0 - 1e-9 <= ratio < 2.0


def test_a_matrix_product_counts_a_multiplication_and_an_addition() -> None:
    assert matmul_tflops(1000, 0.002) == pytest.approx(1.0)


def test_a_collective_has_ended_when_its_last_rank_has() -> None:
    assert slowest([[1.0, 5.0], [2.0, 3.0]]) == [2.0, 5.0]
    with pytest.raises(ValueError, match="shorter"):
        slowest([[1.0, 5.0], [2.0]])


def test_the_middle_of_the_repetitions_counts_and_none_is_no_measurement() -> None:
    assert summary([3.0, 1.0, 100.0]) == {"median": 3.0, "min": 1.0, "max": 100.0}
    with pytest.raises(ValueError, match="no repetition"):
        summary([])


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65536), ("64KiB", 65536), ("64k", 65536), ("16 MiB", 1 << 24), ("1G", 1 << 30)]
)
def test_sizes_are_written_with_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5MiB", "4XB", "MiB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="64KiB"):
        parse_size(text)


@pytest.mark.parametrize("ranks", [1, 2, 3, 16])
def test_the_expected_sum_is_that_of_all_ranks(ranks: int) -> None:
    for index in range(20):
        assert expected_sum(ranks, index) == sum((rank + 1) * (index % 7 + 1) for rank in range(ranks))
    assert expected_sum(2000, 6) < 2**24, "exact in float32"
