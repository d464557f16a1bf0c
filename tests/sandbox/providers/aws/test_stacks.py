"""Every AWS resource of every committed stack can be made in the local cloud: type and inputs are in the table."""

from __future__ import annotations

import pytest

from plan import config, offline
from plan.model import Resource
from sandbox.providers.aws.inputs import checked
from sandbox.providers.aws.types import RECORDS

STACKS = [
    name
    for name in config.stack_names(offline.ROOT)
    if config.load(offline.ROOT, name).config.get("ai-datacenter:cloud", "aws") == "aws"
]


def _problems(resource: Resource) -> list[str]:
    record = RECORDS.get(resource.type)
    if record is None:
        return [f"{resource.type} is not in the table"]
    inputs = {key: value for key, value in resource.inputs.items() if value is not None}
    _, found = checked(record, resource.name, {}, inputs, b"seed", None)
    return [f"{resource.name}: {problem.reason}" for problem in found]


@pytest.mark.parametrize("stack", STACKS)
def test_the_local_cloud_takes_all_resources_of_a_stack(stack: str) -> None:
    resources = [one for one in offline.run(stack).resources if one.type.startswith("aws:")]
    assert resources
    assert [problem for resource in resources for problem in _problems(resource)] == []
