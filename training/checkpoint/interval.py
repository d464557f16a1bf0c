"""How often to save: Young's interval, from what a checkpoint costs and how often the job fails."""

from __future__ import annotations

import math


def young_interval_s(stall_s: float, mtbf_s: float) -> float:
    """Seconds between checkpoints that lose the least time: sqrt(2 d M). J. W. Young, CACM 17(9), 1974.

    `stall_s` is how long a checkpoint stops training (not how long it is written in the background), `mtbf_s` the mean
    time between failures of the whole job.
    """
    if stall_s < 0 or mtbf_s <= 0:
        raise ValueError(f"stall of {stall_s} s, {mtbf_s} s between failures: give seconds of at least 0 and above 0")
    return math.sqrt(2 * stall_s * mtbf_s)


def young_interval_steps(stall_s: float, mtbf_s: float, step_s: float) -> int:
    """The same in steps of `step_s` seconds, at least 1."""
    if step_s <= 0:
        raise ValueError(f"a step of {step_s} s: give seconds above 0")
    return max(1, round(young_interval_s(stall_s, mtbf_s) / step_s))


def lost_fraction(stall_s: float, interval_s: float, mtbf_s: float, restart_s: float = 0.0) -> float:
    """Share of the time lost: d/T of saving, (T/2 + R)/M of work done again and of restarting."""
    return stall_s / interval_s + (interval_s / 2 + restart_s) / mtbf_s
