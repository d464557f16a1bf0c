"""What `instances` promises of EC2 types."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import UnknownInstance, instances, ultraservers
from terminal import Exit, InvalidInput

NAMES = sorted(instances)
EFA = {
    "p4d.24xlarge": (4, 4), "p4de.24xlarge": (4, 4), "p5.48xlarge": (32, 32), "p5e.48xlarge": (32, 32),
    "p5.4xlarge": (1, 1), "p5en.48xlarge": (16, 16), "p6-b200.48xlarge": (8, 8), "p6-b300.48xlarge": (17, 16),
    "p6e-gb200.36xlarge": (17, 8), "trn1.32xlarge": (8, 8), "trn1n.32xlarge": (16, 16), "trn2.48xlarge": (16, 16),
    "trn2u.48xlarge": (16, 16), "g6e.24xlarge": (2, 2), "g6e.48xlarge": (4, 4), "g7e.24xlarge": (2, 2),
    "g7e.48xlarge": (4, 4), "g7.48xlarge": (2, 2), "p3dn.24xlarge": (1, 1), "g5.8xlarge": (1, 1),
    "g5.48xlarge": (1, 1), "g6.8xlarge": (1, 1), "g6.48xlarge": (1, 1), "g6e.8xlarge": (1, 1), "g6e.16xlarge": (1, 1),
    "g4dn.8xlarge": (1, 1), "g4dn.metal": (1, 1),
}  # fmt: skip
"""Network cards and EFA interfaces as the EC2 guide and Karpenter's instance-type page give them."""


@pytest.mark.parametrize("name", EFA)
def test_an_efa_type_has_the_cards_and_interfaces_of_the_ec2_guide(name: str) -> None:
    instance = instances[name]
    assert instance.efa is not None
    assert (instance.network_cards, instance.efa.interfaces) == EFA[name]


def test_card_0_of_p6_b300_carries_no_efa() -> None:
    efa = instances["p6-b300.48xlarge"].efa
    assert efa and efa.card0 is False


@pytest.mark.parametrize("name", ["inf2.48xlarge", "trn1.2xlarge", "g5.xlarge", "m7i.large"])
def test_a_type_without_efa_has_none(name: str) -> None:
    assert instances[name].efa is None


def test_trainium2_memory_is_what_its_documentation_says_not_what_the_api_says() -> None:
    accelerator = instances["trn2.48xlarge"].accelerator
    assert accelerator and accelerator.memory_gib == 96


def test_efa_arithmetic_of_gb200_uses_the_efa_bandwidth_not_the_card_total() -> None:
    efa = instances["p6e-gb200.36xlarge"].efa
    assert efa and efa.total_gbps == 1600


def test_the_accelerator_row_wins_over_the_general_row() -> None:
    instance = instances["p5en.48xlarge"]
    assert instance.accelerator and instance.accelerator.name == "NVIDIA H200 SXM"
    assert instance.network_cards == 16
    assert dict(instance.sources)["gpudirect"].startswith("aws/aws-ofi-nccl")


def test_a_part_of_a_gpu_is_one_device_of_that_share() -> None:
    accelerator = instances["g6f.large"].accelerator
    assert accelerator
    assert (accelerator.count, accelerator.share) == (1, Fraction(1, 8))


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("p5.48xlarge", "nvidia.com/gpu"),
        ("trn2.48xlarge", "aws.amazon.com/neuron"),
        ("g4ad.xlarge", "amd.com/gpu"),
        ("dl1.24xlarge", "habana.ai/gaudi"),
    ],
)
def test_an_accelerator_names_its_kubernetes_resource(name: str, resource: str) -> None:
    accelerator = instances[name].accelerator
    assert accelerator and accelerator.resource_name == resource


@pytest.mark.parametrize(("name", "arch"), [("m7i.large", "x86_64"), ("m7g.large", "arm64"), ("g5g.xlarge", "arm64"),
                                            ("p6e-gb200.36xlarge", "arm64"), ("c7a.large", "x86_64")])  # fmt: skip
def test_a_type_names_its_architecture(name: str, arch: str) -> None:
    assert instances[name].arch == arch


def test_only_types_sold_as_capacity_blocks_say_so() -> None:
    sold = {name for name, instance in instances.items() if instance.capacity_block}
    assert {"p5.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge", "trn2.48xlarge"} <= sold
    assert not sold & {"trn1n.32xlarge", "g6e.48xlarge", "m7i.large", "inf2.48xlarge"}


def test_an_unknown_type_names_its_neighbours_and_ends_with_exit_code_2() -> None:
    with pytest.raises(
        UnknownInstance, match=r"p5en\.48xlrge: not a known EC2 instance type; near: p5en\.48xlarge"
    ) as caught:
        instances["p5en.48xlrge"]
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, InvalidInput)
    assert caught.value.code is Exit.USAGE


@given(st.text(max_size=30).filter(lambda name: name not in NAMES))
def test_any_other_name_is_unknown_in_every_way(name: str) -> None:
    assert name not in instances
    assert instances.get(name) is None
    with pytest.raises(UnknownInstance):
        instances[name]


@given(st.sampled_from(NAMES))
def test_every_type_is_consistent_in_itself(name: str) -> None:
    instance = instances[name]
    assert instance.name == name
    assert instance.family == name.partition(".")[0]
    assert instance.arch in {"x86_64", "arm64"}
    assert instance.vcpus > 0 and instance.memory_gib > 0
    if instance.efa and instance.network_cards:
        assert instance.efa.interfaces <= instance.network_cards
    if instance.efa and instance.efa.total_gbps and instance.network_gbps:
        assert instance.efa.total_gbps <= instance.network_gbps
    if instance.accelerator:
        assert instance.accelerator.count >= 1
        assert 0 < instance.accelerator.share <= 1


@pytest.mark.parametrize("name", [name for name, instance in instances.items() if instance.accelerator])
def test_the_general_table_agrees_with_the_accelerator_table(name: str) -> None:
    from catalog.table import rows

    instance = instances[name]
    for row in rows("aws_instance_specs"):
        if row.text("instance_type") == name:
            assert instance.vcpus == row.integer("vcpus")
            assert instance.memory_gib == row.number("mem_gib")
            assert (instance.efa.interfaces if instance.efa else 0) == (row.maybe_integer("efa_interfaces") or 0)


def test_ultraservers_hold_whole_instances() -> None:
    for server in ultraservers.values():
        accelerator = instances[server.instance_type].accelerator if server.instance_type else None
        if accelerator:
            assert server.accelerators == server.instances * accelerator.count


def test_an_ultraserver_without_a_type_name_is_no_instance_type() -> None:
    assert "trn3-ultraserver-gen1" in ultraservers
    assert "trn3-ultraserver-gen1" not in instances


def test_importing_the_catalog_loads_neither_the_cloud_libraries_nor_a_table() -> None:
    program = (
        "import sys, catalog;"
        "print([name for name in ('boto3', 'botocore', 'pulumi', 'pandas') if name in sys.modules]);"
        "print(catalog.prices._instance_rows.cache_info().currsize, catalog.package.tables.cache_info().currsize)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[:2] == ["[]", "0 0"]
