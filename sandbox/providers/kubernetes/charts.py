"""Helm in the local cloud: there is no network to fetch charts from, so a release is recorded in the state and
nothing is installed.

Every release says so: in its `status`, and as a warning when it is created or updated, unless what the chart would
bring runs here anyway.
"""

from __future__ import annotations

import copy

from sandbox.providers.difference import Difference, changes, root
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.protocol import Live, Naming, Problem, Props, Target

RELEASE = "kubernetes:helm.sh/v3:Release"
NOTICE = "{} is recorded, not installed: the local cloud has no chart network"
RECORDED = "recorded"
RUNS_HERE = frozenset({"oci://registry.k8s.io/jobset/charts/jobset"})
"""Charts whose controller is a daemon of the sandbox (`sandbox.kubernetes.jobset`)."""


def check(
    session: Session, target: Target, olds: Props, news: Props, seed: bytes, rule: Naming | None
) -> tuple[Props, list[Problem]]:
    """A release's inputs with its name and namespace."""
    inputs = copy.deepcopy(news)
    if not inputs.get("name"):
        fresh = rule.proposed if rule and rule.proposed else f"{target.name}-{seed.hex()[:8]}"
        inputs["name"] = olds.get("name") or fresh
    inputs["namespace"] = inputs.get("namespace") or session.cluster.namespace
    return inputs, [] if inputs.get("chart") else [Problem("chart", "missing: give the name of the chart")]


def diff(olds: Props, news: Props) -> Difference:
    """Name and namespace replace, everything else updates."""
    found = changes(olds, news)
    replaces = frozenset(path for path in found if root(path) in ("name", "namespace"))
    same = (olds.get("name"), olds.get("namespace")) == (news.get("name"), news.get("namespace"))
    return Difference(found, replaces, bool(replaces) and same)


def write(session: Session, target: Target, inputs: Props, state: Props, preview: bool) -> tuple[str, Props]:
    """Record a release: its id and state."""
    identity = f"{inputs['namespace']}/{inputs['name']}"
    if preview:
        return "" if not state else identity, inputs
    if inputs.get("chart") not in RUNS_HERE:
        session.tell(target, NOTICE.format(f"chart {inputs.get('chart')}"), status=False, warning=True)
    revision = int((state.get("status") or {}).get("revision") or 0) + 1
    status = {
        "status": RECORDED,
        "name": inputs["name"],
        "namespace": inputs["namespace"],
        "revision": revision,
        "version": inputs.get("version") or "unknown",
        "chart": inputs.get("chart"),
        "appVersion": "unknown",
    }
    return identity, inputs | {"status": status, "resourceNames": {}}


def read(identity: str, state: Props, inputs: Props) -> Live | None:
    """A recorded release never drifts; one that was never recorded does not exist."""
    return Live(identity, state, inputs) if state else None
