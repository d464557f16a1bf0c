"""Young's interval, against the published failure rate of a large run."""

from __future__ import annotations

import pytest

from training.checkpoint.interval import lost_fraction, young_interval_s, young_interval_steps

LLAMA_3_MTBF_S = 3.09 * 3600  # arXiv 2407.21783: 419 unexpected interruptions in 54 days, 16,384 accelerators


@pytest.mark.parametrize(("stall_s", "minutes", "lost"), [(60, 19.3, 0.104), (5, 5.6, 0.030)])
def test_young_interval_of_a_405b_run(stall_s: float, minutes: float, lost: float) -> None:
    interval = young_interval_s(stall_s, LLAMA_3_MTBF_S)
    assert interval / 60 == pytest.approx(minutes, abs=0.05)
    assert lost_fraction(stall_s, interval, LLAMA_3_MTBF_S) == pytest.approx(lost, abs=0.0005)


def test_the_interval_loses_the_least() -> None:
    best = young_interval_s(60, LLAMA_3_MTBF_S)
    lost = lost_fraction(60, best, LLAMA_3_MTBF_S)
    assert all(lost_fraction(60, best * factor, LLAMA_3_MTBF_S) > lost for factor in (0.5, 0.9, 1.1, 2))


def test_steps_are_at_least_one() -> None:
    assert young_interval_steps(0.0, 3600, 1.0) == 1
    assert young_interval_steps(0.5, 3600, 2.0) == 30


@pytest.mark.parametrize("bad", [(-1, 10), (1, 0)])
def test_seconds_that_cannot_be_are_refused(bad: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="give seconds"):
        young_interval_s(*bad)
