"""Who a container runs as and what it may do."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.node import security
from sandbox.node.environment import ConfigProblem


def pod(**context: Any) -> dict[str, Any]:
    return {"spec": {"securityContext": context}}


def test_a_containers_own_security_wins_over_the_pods() -> None:
    container = {"name": "c", "securityContext": {"runAsUser": 7, "readOnlyRootFilesystem": True,
                                                  "allowPrivilegeEscalation": False}}  # fmt: skip
    found = security.identity(pod(runAsUser=5, runAsGroup=6, fsGroup=8, supplementalGroups=[9]), container)
    assert (found.user, found.group, found.groups) == (7, 6, [9, 8])
    assert (found.read_only_root, found.new_privileges) == (True, False)


def test_a_container_that_must_not_be_root_and_would_be_is_refused() -> None:
    with pytest.raises(ConfigProblem, match="runAsNonRoot"):
        security.identity(pod(runAsNonRoot=True), {"name": "c"})


def test_capabilities_are_the_default_ones_less_and_more() -> None:
    assert security.capabilities({"drop": ["ALL"]}) == []
    assert security.capabilities({"drop": ["ALL"], "add": ["IPC_LOCK", "CAP_SYS_NICE"]}) == [14, 23]
    assert security.CAPABILITIES.index("SYS_ADMIN") not in security.capabilities({})
    assert security.capabilities({"add": ["SYS_ADMIN"]})[-1] == security.CAPABILITIES.index("SETFCAP")
    assert security.identity(pod(), {"name": "c", "securityContext": {"privileged": True}}).capabilities is None
