"""Every AWS resource of every committed stack can be made in the local cloud: type and inputs are in the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan import offline
from plan.model import Resource
from sandbox.providers.aws.inputs import checked
from sandbox.providers.aws.types import RECORDS
from sandbox.settings import REPOSITORY

STACKS = sorted(path.name.split(".")[1] for path in Path(REPOSITORY / "stacks").glob("Pulumi.*.yaml"))


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
