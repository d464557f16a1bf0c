"""What a search found so far: `search.json` in its folder, and a table."""

from __future__ import annotations

import json
from typing import Any

from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from training import atomic
from training.search.trials import Search

NAME = "search.json"
SCHEMA_VERSION = 1


def write(search: Search) -> dict[str, Any]:
    """The state of the study, also as a file."""
    found = document(search, search.study().get_trials(deepcopy=False))
    # Several pods may write at once: each its own temporary file, the last one wins and knows the most.
    atomic.write(search.output / NAME, json.dumps(found, indent=1))
    return found


def document(search: Search, trials: list[FrozenTrial]) -> dict[str, Any]:
    """The last trial of each index; `best` is None while none has ended."""
    latest = {one.user_attrs["index"]: one for one in trials if "index" in one.user_attrs}
    rows = [_row(index, latest[index]) for index in sorted(latest)]
    done = [row for row in rows if row["state"] == "complete"]
    sign = 1 if search.metric == "loss" else -1
    return {
        "schema_version": SCHEMA_VERSION,
        "preset": search.base.preset,
        "sampler": search.sampler,
        "metric": search.metric,
        "best": min(done, key=lambda row: sign * row["value"]) if done else None,
        "trials": rows,
    }


def table(found: dict[str, Any]) -> Table:
    """For people."""
    keys = list(dict.fromkeys(key for row in found["trials"] for key in row["params"]))
    shown = Table(box=None)
    for name in ("trial", *keys, found["metric"], "state", "steps"):
        shown.add_column(name, justify="right")
    for row in found["trials"]:
        value = "" if row["value"] is None else f"{row['value']:.4f}"
        params = (
            f"{row['params'].get(key):.4g}" if isinstance(row["params"].get(key), float) else row["params"].get(key)
            for key in keys
        )
        best = " (best)" if found["best"] and row["index"] == found["best"]["index"] else ""
        shown.add_row(str(row["index"]), *map(str, params), value, f"{row['state']}{best}", str(row["steps"] or ""))
    return shown


def _row(index: int, trial: FrozenTrial) -> dict[str, Any]:
    """`value` of a trial that was stopped early is the last one seen."""
    steps = sorted(trial.intermediate_values)
    value = trial.value if trial.state == TrialState.COMPLETE else None
    if trial.state == TrialState.PRUNED and steps:
        value = trial.intermediate_values[steps[-1]]
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "stopped early", TrialState.FAIL: "failed"}
    return {
        "index": index,
        "state": states.get(trial.state, "running"),
        "value": value,
        "params": dict(trial.params),
        "steps": steps[-1] if steps else None,
        "problem": trial.user_attrs.get("problem"),
    }
