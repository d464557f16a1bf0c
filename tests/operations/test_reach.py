"""A Kubernetes API that this machine cannot reach is reported before anything is created."""

from __future__ import annotations

import ipaddress
import json

import pytest

import plan
from operations import reach


def wanted(*cidrs: str, network: str = "10.0.0.0/16", private: tuple[str, ...] = ()) -> plan.Plan:
    access = {"public-access-cidrs": list(cidrs)} | ({"private-access-cidrs": list(private)} if private else {})
    config = {
        "ai-datacenter:cluster": json.dumps(access),
        "ai-datacenter:network": json.dumps({"cidr": network}),
    }
    return plan.Plan("ai-datacenter", "dev", (), config)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "local_addresses", lambda: [ipaddress.IPv4Address("192.168.7.7")])
    monkeypatch.setattr(reach, "public_address", lambda: ipaddress.IPv4Address("203.0.113.9"))


def test_a_private_api_is_out_of_reach_from_outside_the_network() -> None:
    problem = reach.problem(wanted())
    assert problem is not None
    assert problem.startswith(
        "cluster.public-access-cidrs: empty, so the Kubernetes API answers only inside 10.0.0.0/16"
    )


def test_a_private_api_is_reachable_from_inside_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "local_addresses", lambda: [ipaddress.IPv4Address("10.0.3.4")])
    assert reach.problem(wanted()) is None


def test_a_private_api_is_reachable_from_the_private_networks_that_it_names() -> None:
    assert reach.problem(wanted(private=("192.168.0.0/16",))) is None
    problem = reach.problem(wanted(private=("172.16.0.0/12",)))
    assert problem is not None
    assert "answers only inside 10.0.0.0/16, 172.16.0.0/12, and this machine has no address there" in problem
    assert reach.problem(wanted("198.51.100.0/24", private=("192.168.0.0/16",))), "the kubeconfig names the public one"


def test_a_public_api_must_be_open_to_this_machine() -> None:
    assert reach.problem(wanted("203.0.113.0/24")) is None
    assert reach.problem(wanted("198.51.100.0/24")) == (
        "cluster.public-access-cidrs: 198.51.100.0/24 does not hold this machine's public address 203.0.113.9. Add it"
    )


def test_an_unknown_public_address_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "public_address", lambda: None)
    assert reach.problem(wanted("198.51.100.0/24")) is None
