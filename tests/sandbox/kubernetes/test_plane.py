from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.kubernetes import plane
from sandbox.settings import Settings

SETTINGS = Settings(Path("/state"), Path("/cache"), 20000)


def options(component: str) -> dict[str, str]:
    """Flags as name -> value ("" for a switch)."""
    parts = [flag.removeprefix("--").partition("=") for flag in plane.flags(component, SETTINGS)]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("component", plane.COMPONENTS)
def test_every_listener_is_on_loopback(component: str) -> None:
    listening = {
        name: value
        for name, value in options(component).items()
        if name.startswith("listen-") or name in ("bind-address", "server-address")
    }
    assert listening
    assert all("127.0.0.1" in value for value in listening.values()), listening


@pytest.mark.parametrize("component", plane.COMPONENTS)
def test_no_flag_is_given_twice(component: str) -> None:
    names = [flag.partition("=")[0] for flag in plane.flags(component, SETTINGS)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("component", plane.COMPONENTS)
def test_every_port_is_one_of_the_settings(component: str) -> None:
    moved = Settings(SETTINGS.state, SETTINGS.cache, 31000)
    used = [
        int(port)
        for flag in plane.flags(component, moved)
        for port in re.findall(r"(?:port=|127\.0\.0\.1:)(\d+)", flag)
    ]
    assert used
    assert set(used) <= set(moved.ports.values())


def test_the_api_server_asks_who_may_do_what_and_reviews_tokens() -> None:
    found = options("apiserver")
    assert found["authorization-mode"] == "Node,RBAC"
    assert "PodSecurity" in found["enable-admission-plugins"].split(",")
    assert found["authentication-token-webhook-config-file"] == "/state/pki/token-webhook.kubeconfig"
    assert found["authentication-token-webhook-version"] == "v1"
    assert "token-auth-file" not in found, "a fixed token would be a way around the access entries"


def test_a_silent_simulated_node_is_not_given_up_before_its_next_heartbeat() -> None:
    from sandbox.kubernetes.stages import stages

    heartbeat = next(stage for stage in stages() if stage["metadata"]["name"] == "node-heartbeat")
    latest = heartbeat["spec"]["delay"]["jitterDurationMilliseconds"] / 1000
    assert int(options("controller-manager")["node-monitor-grace-period"].rstrip("s")) > 2 * latest


def test_kwok_leaves_nodes_without_the_simulated_label_alone() -> None:
    found = options("kwok")
    assert found["manage-nodes-with-label-selector"] == "sandbox.dc/node=simulated"
    assert "manage-all-nodes" not in found


def test_an_unknown_component_is_refused() -> None:
    with pytest.raises(KeyError):
        plane.flags("cloud-controller-manager", SETTINGS)
