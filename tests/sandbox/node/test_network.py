"""Addresses of pods and the messages that wire them."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from sandbox.node import netlink
from sandbox.node.network import Addresses, open_network


def test_addresses_are_not_given_twice_nor_again_at_once() -> None:
    addresses = Addresses(IPv4Network("10.0.0.0/29"))
    first = [str(addresses.take()) for _ in range(3)]
    assert first == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
    addresses.give_back(addresses.network[2])
    assert str(addresses.take()) == "10.0.0.5"
    assert [str(addresses.take()) for _ in range(2)] == ["10.0.0.6", "10.0.0.2"]
    with pytest.raises(OSError, match="all 5 addresses"):
        addresses.take()


def test_an_adopted_address_is_not_given_to_another_pod() -> None:
    addresses = Addresses(IPv4Network("10.0.0.0/29"))
    addresses.take(addresses.network[2])
    assert str(addresses.take()) == "10.0.0.3"


def test_netlink_attributes_are_padded_to_four_bytes() -> None:
    assert netlink.text(3, "pods") == b"\x09\x00\x03\x00pods\x00\x00\x00\x00"
    assert netlink.number(4, 9001) == b"\x08\x00\x04\x00\x29\x23\x00\x00"


def test_where_the_kernel_refuses_pods_share_the_machines_network_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise PermissionError("unshare: Operation not permitted")

    monkeypatch.setattr("sandbox.node.linux.new_network_namespace", refuse)
    found = open_network(("10.96.0.1", 443), ("127.0.0.1", 16440))
    assert "ports can collide: unshare: Operation not permitted" in (found.problem or "")
    first, second = found.attach(), found.attach()
    assert first.address != second.address
    assert first.descriptor is None
    assert (str(first.own_address), first.api_server) == ("127.0.0.1", ("127.0.0.1", 16440))
