"""The committed stacks break nothing that stops them; a deliberately bad one trips every rule about accelerators."""

from __future__ import annotations

import pytest

import cost
from plan import config as stack_config
from plan import offline
from policies import check
from policies.examples import EXAMPLES, Thing
from policies.rules import ALL
from policies.rules.evaluate import Pack
from tests.policies.test_rules import built

THEMES = (
    "accelerator_cap",
    "efa",
    "placement",
    "capacity",
    "gpu_nodes",
    "gpu_pods",
    "gpu_sharing",
    "fsx",
    "fsx_relations",
    "cost_power",
    "tags",
    "gcp_tpu",
)
ACCELERATOR_RULES = sorted(rule.id for rule in ALL if rule.theme in THEMES)


@pytest.mark.parametrize("stack", stack_config.stack_names(offline.ROOT))
def test_a_committed_stack_has_no_mandatory_finding(stack: str) -> None:
    wanted = offline.run(stack)
    result = check.run(wanted, cost.estimate(wanted))
    assert [(entry.rule.id, entry.resource.name, entry.message) for entry in result.mandatory] == []


def bad_stack() -> list[Thing]:
    """All failing examples about accelerators in one stack, under names that do not collide."""
    found = []
    for rule in ACCELERATOR_RULES:
        for thing in EXAMPLES[rule].bad:
            refers = {key: [f"{rule}/{name}" for name in names] for key, names in thing.refers.items()}
            found.append(Thing(thing.type, f"{rule}/{thing.name}", thing.inputs, refers, thing.protect))
    return found


def test_a_bad_stack_trips_every_rule_about_accelerators() -> None:
    parameters = {rule: EXAMPLES[rule].parameters for rule in ACCELERATOR_RULES}
    pack, resources = Pack(ALL, parameters=parameters), built(bad_stack())
    findings = [finding for resource in resources for finding in pack.resource(resource).findings]
    findings += pack.stack(resources).findings
    assert set(ACCELERATOR_RULES) - {finding.rule.id for finding in findings} == set()
