"""What `make up` gets ready for a stack."""

from __future__ import annotations

import pytest

import plan
from operations import up


@pytest.mark.parametrize(
    ("kind", "extras"),
    [
        ("kubernetes:jobset.x-k8s.io/v1alpha2:JobSet", {"jobset"}),
        ("kubernetes:batch/v1:Job", set()),
        ("gcp:container/nodePool:NodePool", set()),
    ],
)
def test_the_controller_of_job_sets_is_started_for_stacks_with_job_sets_only(kind: str, extras: set[str]) -> None:
    wanted = plan.Plan("ai-datacenter", "local", (plan.Resource("urn", kind, "one"),), {})
    assert up._extras(wanted) == extras
