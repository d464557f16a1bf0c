"""Which way the messages went."""

from __future__ import annotations

import sys

import pytest

from training.bench import transport

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's interfaces")


@linux
def test_loopback_is_called_by_its_name() -> None:
    found = transport.of_cpu("127.0.0.1")
    assert found["name"] == "gloo over TCP, lo (loopback)"
    assert "127.0.0.1" in found["found_by"]


@linux
def test_an_address_of_no_interface_stays_unknown() -> None:
    found = transport.of_cpu("192.0.2.1")
    assert found["interface"] is None
    assert "unknown interface" in found["name"]


@pytest.mark.parametrize(
    ("slices", "name"), [(1, "libtpu over ICI"), (2, "libtpu over ICI and, between 2 slices, DCN")]
)
def test_chips_of_a_slice_talk_over_their_own_links_and_slices_over_the_network(slices: int, name: str) -> None:
    assert transport.of_tpu(slices)["name"] == name


@pytest.mark.parametrize(
    ("lines", "name", "driver"),
    [
        (["a [0] NCCL INFO NET/OFI Selected provider is efa, fabric is efa-direct"], "nccl over OFI (efa)", "efa"),
        (["a [0] NCCL INFO NET/Socket : Using [0]eth0:10.0.0.1<0>"], "nccl over Socket", None),
        (["a [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB"], "nccl over IB", None),
        (["nothing about it"], None, None),
        ([], None, None),
    ],
)
def test_nccl_says_itself_what_it_uses(lines: list[str], name: str | None, driver: str | None) -> None:
    found = transport.of_nccl(lines)
    assert (found["name"], found["driver"]) == (name, driver)
