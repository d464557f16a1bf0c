"""A Kubernetes API that this machine cannot reach is reported before anything is created."""

from __future__ import annotations

import ipaddress
import json

import pytest

import plan
from operations import reach


def wanted(*cidrs: str, private: tuple[str, ...] = (), cloud: str = "aws") -> plan.Plan:
    config = {
        "ai-datacenter:cloud": cloud,
        "ai-datacenter:cluster": json.dumps(
            {"public-access-cidrs": list(cidrs), "private-access-cidrs": list(private)},
        ),
        "ai-datacenter:network": json.dumps({"cidr": "10.0.0.0/16"}),
    }
    return plan.Plan("ai-datacenter", "dev", (), config)


def deployed(*kinds: str) -> plan.Plan:
    """A state that holds a network, a cluster, or both."""
    outputs = {"endpoint": "https://abc.gr7.us-east-1.eks.amazonaws.com"}
    made = tuple(plan.Resource(f"urn:{kind}", kind, "one", outputs=outputs) for kind in kinds)
    return plan.Plan("ai-datacenter", "dev", made, {})


NOTHING, VPC, WHOLE = deployed(), deployed(reach.NETWORKS[0]), deployed(reach.NETWORKS[0], reach.CLUSTERS[0])


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "local_addresses", lambda: [ipaddress.IPv4Address("192.168.7.7")])
    monkeypatch.setattr(reach, "public_address", lambda: ipaddress.IPv4Address("203.0.113.9"))
    monkeypatch.setattr(reach, "answers", lambda _: False)


def stand_at(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(reach, "local_addresses", lambda: [ipaddress.IPv4Address(address)])


@pytest.mark.parametrize("state", [None, NOTHING, WHOLE])
def test_an_api_without_a_way_in_names_both_ways(state: plan.Plan | None) -> None:
    problem = reach.problem(wanted(), state)
    assert problem is not None
    assert problem.startswith(
        "cluster.public-access-cidrs: empty, so the Kubernetes API answers only inside 10.0.0.0/16"
    )
    assert "Name this machine's public network (203.0.113.9/32) there" in problem
    assert "under cluster.private-access-cidrs instead" in problem


def test_standing_in_the_vpc_is_no_way_in_unless_the_vpc_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The security group of an EKS cluster admits itself alone, and a bastion is not in it."""
    stand_at(monkeypatch, "10.0.3.4")
    assert reach.problem(wanted(), WHOLE) is not None
    assert reach.problem(wanted(private=("10.0.0.0/16",)), WHOLE) is None


def test_a_network_that_is_let_in_is_a_way_once_the_vpc_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, "10.8.7.7")
    through_vpn = wanted(private=("10.8.0.0/16",))
    assert reach.problem(through_vpn) is None, "what leads there shows only in the state"
    assert reach.problem(through_vpn, VPC) is None
    assert reach.problem(through_vpn, NOTHING) == (
        "cluster.private-access-cidrs: the VPC is not there yet, so nothing leads into it. Name this machine's public "
        "network (203.0.113.9/32) under cluster.public-access-cidrs as well, and take it out again when your own way "
        "into the VPC stands"
    )


def test_the_first_time_goes_over_the_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, "10.8.7.7")
    assert reach.problem(wanted("203.0.113.9/32", private=("10.8.0.0/16",)), NOTHING) is None


def test_a_machine_elsewhere_is_refused_unless_the_api_answers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VPN may translate addresses: what counts then is that the private endpoint answers."""
    through_vpn = wanted(private=("10.8.0.0/16",))
    problem = reach.problem(through_vpn, WHOLE)
    assert problem is not None
    assert problem.startswith("cluster.private-access-cidrs: 10.8.0.0/16 holds no address of this machine")
    monkeypatch.setattr(reach, "answers", lambda endpoint: endpoint == "https://abc.gr7.us-east-1.eks.amazonaws.com")
    assert reach.problem(through_vpn, WHOLE) is None


def test_on_google_cloud_the_network_itself_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_at(monkeypatch, "10.0.3.4")
    assert reach.problem(wanted(cloud="gcp")) is None


def test_on_google_cloud_private_networks_are_a_way_while_the_api_is_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """With both set the kubeconfig names the public address, which does not know this machine."""
    stand_at(monkeypatch, "10.8.7.7")
    there = deployed(reach.NETWORKS[1], reach.CLUSTERS[1])
    assert reach.problem(wanted(private=("10.8.0.0/16",), cloud="gcp"), there) is None
    assert reach.problem(wanted("198.51.100.0/24", private=("10.8.0.0/16",), cloud="gcp"), there) is not None


def test_an_endpoint_that_is_no_address_answers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not reach.answers(None)
    assert not reach.answers("https://")


def test_a_public_api_must_be_open_to_this_machine() -> None:
    assert reach.problem(wanted("203.0.113.0/24")) is None
    assert reach.problem(wanted("198.51.100.0/24")) == (
        "cluster.public-access-cidrs: 198.51.100.0/24 does not hold this machine's public address 203.0.113.9. Add it"
    )


def test_an_unknown_public_address_is_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "public_address", lambda: None)
    assert reach.problem(wanted("198.51.100.0/24")) is None
