"""The main job on real parts: one command builds the local data center, a second run changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import plan
from plan import document, offline
from tests.e2e.checkout import Checkout, lines
from tests.e2e.conftest import Deployed


def test_make_up_ends_well_with_a_verdict_measured_by_real_processes(deployed: Deployed) -> None:
    assert deployed.code == 0, deployed.out + deployed.err
    assert lines(deployed.out, "benchmark bench: PASS")
    history = deployed.checkout.settings.state / "history" / "local.jsonl"
    results = [json.loads(line) for line in history.read_text().splitlines()]
    (measured,) = [entry["result"] for entry in results if entry["subject"] == "benchmark bench"]
    assert len({(rank["hostname"], rank["pid"]) for rank in measured["ranks"]}) >= 2
    assert all(row["busbw_gb_per_s"] > 0 and row["wrong_sums"] == 0 for row in measured["allreduce"])


def test_a_run_starts_on_the_accepted_pool_survives_a_kill_and_its_model_answers(deployed: Deployed) -> None:
    """The drill of the stack file: two real ranks, PyTorch being there."""
    (line,) = lines(deployed.out, "training tiny: PASS")
    assert "rank 1 was killed after step" in line
    history = deployed.checkout.settings.state / "history" / "local.jsonl"
    entries = [json.loads(text) for text in history.read_text().splitlines()]
    (drill,) = [entry["result"]["drill"] for entry in entries if entry["subject"] == "training tiny"]
    assert drill["resumed_from"] >= drill["after_step"] > 0
    assert drill["answer"]["route"] == "/v1/completions"


def test_what_was_simulated_is_never_called_measured(deployed: Deployed) -> None:
    (line,) = lines(deployed.out, "benchmark h100:")
    assert "scheduled, not measured" in line
    assert "PASS" not in line


def test_the_estimate_is_shown_before_anything_is_created(deployed: Deployed) -> None:
    estimate, first = deployed.err.find("USD"), (deployed.out + deployed.err).find("creating")
    assert estimate >= 0
    assert first >= 0
    assert "Updating (local)" not in deployed.err[:estimate]


def test_a_second_make_up_changes_nothing_and_keeps_the_measurement(deployed: Deployed) -> None:
    done = deployed.checkout.run("operations", "up", check=True)
    shown = done.stdout + done.stderr
    assert " unchanged" in shown
    assert not [word for word in (" created", " updated", " replaced", " deleted") if f"{word}\n" in shown]
    assert lines(done.stdout, "benchmark bench: PASS")
    history = deployed.checkout.settings.state / "history" / "local.jsonl"
    assert len(history.read_text().splitlines()) == 3, "one for each pool and one for the drill, from the first run"


def test_the_checkout_stays_as_committed(deployed: Deployed) -> None:
    """Selecting, creating and updating the stack leaves the committed stack file alone."""
    ours = (deployed.checkout.folder / "stacks" / "Pulumi.local.yaml").read_text()
    assert ours == (offline.ROOT / "stacks" / "Pulumi.local.yaml").read_text()


def test_the_offline_plan_equals_the_engines_preview(deployed: Deployed) -> None:
    """Type, name, parent, dependencies and inputs of every resource; an unknown value matches anything."""
    checkout = Checkout.fresh()
    try:
        checkout.run("sandbox", "up", check=True)
        checkout.shell("pulumi stack init local --no-select")
        text = checkout.shell("pulumi preview --stack local --json 2>/dev/null").stdout
    finally:
        checkout.remove()
    engine, ours = document.loads(text), offline.run("local")
    assert set(engine.by_urn) == set(ours.by_urn)
    differences = [
        difference for urn, resource in ours.by_urn.items() for difference in compare(urn, resource, engine.by_urn[urn])
    ]
    assert differences == []


def compare(urn: str, ours: plan.Resource, theirs: plan.Resource) -> list[str]:
    """Everything in which two descriptions of one resource differ."""
    pairs = [(name, getattr(ours, name), getattr(theirs, name)) for name in ("type", "name", "parent")]
    found = [f"{urn}: {name} {a} is not {b}" for name, a, b in pairs if a != b]
    if ours.provider and ours.provider != theirs.provider:
        found.append(f"{urn}: provider {ours.provider} is not {theirs.provider}")
    if set(ours.dependencies) != set(theirs.dependencies):
        found.append(f"{urn}: dependencies {set(ours.dependencies) ^ set(theirs.dependencies)}")
    related = {key: set(urns) for key, urns in ours.property_dependencies.items() if urns}
    if related != {key: set(urns) for key, urns in theirs.property_dependencies.items() if urns}:
        found.append(f"{urn}: property dependencies {related} are not {theirs.property_dependencies}")
    return found + unequal(urn, own_inputs(ours), own_inputs(theirs))


def own_inputs(resource: plan.Resource) -> dict[str, Any]:
    """Inputs without what the engine or a provider adds on its own account: versions and generated names."""
    inputs = dict(resource.inputs)
    if resource.is_provider:
        for name in ("version", "__internal"):
            inputs.pop(name, None)
    return {key: value for key, value in inputs.items() if key not in GENERATED or not is_generated(resource, value)}


GENERATED = ("name", "bucket", "nodeGroupName")
"""Inputs that a provider fills with the logical name and a random end when the program gives none."""


def is_generated(resource: plan.Resource, value: object) -> bool:
    return isinstance(value, str) and value.startswith(f"{resource.name}-") and len(value) == len(resource.name) + 8


def unequal(path: str, ours: Any, theirs: Any) -> list[str]:
    """Paths at which two values differ."""
    if ours is plan.UNKNOWN or theirs is plan.UNKNOWN:
        return []
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        keys = {key for key in {*ours, *theirs} if ours.get(key) is not None or theirs.get(key) is not None}
        return [line for key in sorted(keys) for line in unequal(f"{path}.{key}", ours.get(key), theirs.get(key))]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [line for index, (a, b) in pairs for line in unequal(f"{path}[{index}]", a, b)]
    return [] if ours == theirs else [f"{path}: {ours!r} is not {theirs!r}"]
