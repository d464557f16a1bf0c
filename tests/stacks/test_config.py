"""How stack files are found and read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from stacks import config
from stacks.aws_config import AwsConfig
from terminal import InvalidInput
from tests.stacks.support import changed, document, plan_of


@pytest.mark.parametrize("stack", config.names())
def test_every_committed_stack_is_valid(stack: str) -> None:
    assert config.load(stack).place().region


def test_reading_a_file_and_asking_pulumi_give_the_same(tmp_path: Path) -> None:
    """The program passes sections through JSON; the plan's inputs come from there."""
    plan = plan_of(document())
    loaded = config.load("local")
    (vpc,) = plan.of_type("aws:ec2/vpc:Vpc")
    assert vpc.inputs["cidrBlock"] == str(loaded.network.cidr)
    (budget,) = plan.of_type("aws:budgets/budget:Budget")
    assert loaded.budget is not None
    assert budget.inputs["limitAmount"] == str(loaded.budget.monthly_usd)


def test_keys_that_pulumi_writes_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    committed = (config.FOLDER / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    path.write_text(f"{committed}  pulumi:autonaming: {{}}\nencryptionsalt: v1:abc\n", encoding="utf-8")
    assert config.load_file(path) == config.load("dev")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("config: [", "Pulumi.x.yaml: not valid YAML: "),
        ("", "Pulumi.x.yaml: it has no `config`. Copy a stack file and change it."),
        ("config: 3\n", "Pulumi.x.yaml: it has no `config`. Copy a stack file and change it."),
        ("- a\n", "Pulumi.x.yaml: it has no `config`. Copy a stack file and change it."),
    ],
)
def test_a_file_that_is_no_stack_file_is_refused_in_one_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        config.load_file(path)
    (problem,) = refused.value.problems
    assert problem.startswith(sentence)
    assert "\n" not in problem


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        config.load_file(tmp_path / "Pulumi.x.yaml")
    assert refused.value.problems == ["Pulumi.x.yaml: cannot be read (No such file or directory)."]


def test_the_control_plane_stays_in_its_zones_when_the_network_grows() -> None:
    grown = changed({"network/zones": ["us-east-1a", "us-east-1b", "us-east-1c"]})
    parsed = config.parse(config.named(grown))
    assert isinstance(parsed, AwsConfig)
    assert parsed.control_plane_zones == ("us-east-1a", "us-east-1b")


def test_a_stack_needs_no_more_than_site_network_cluster_and_one_pool() -> None:
    needed = {"site", "network", "cluster", "system-pools"}
    smallest = {
        key: value for key, value in document().items() if key.startswith("aws:") or key.split(":")[1] in needed
    }
    plan = plan_of(smallest)
    assert plan.of_type("aws:eks/cluster:Cluster")
    assert not plan.of_type("kubernetes:apps/v1:DaemonSet")


@pytest.mark.parametrize("text", ["2027-06-30", "2027-06-30 00:00:00 +0000 UTC"])
def test_the_last_day_of_an_exemption_is_read_as_pulumi_passes_it(text: str) -> None:
    exemption = {"rule": "a", "resource": "*", "reason": "it is known", "owner": "platform", "expires": text}
    parsed = config.parse(config.named(changed({"policies/exemptions": [exemption]})))
    assert parsed.policies is not None
    assert parsed.policies.exemptions[0].expires == date(2027, 6, 30)


def test_a_network_without_a_way_out_says_what_nodes_cannot_reach() -> None:
    """Nodes without their endpoints never join, and no endpoint leads to a public registry."""
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/train:1"
    closed = changed({"network/nat": "none", "network/interface-endpoints": ["sts", "ecr.api", "ecr.dkr"]})
    with pytest.raises(InvalidInput) as refused:
        config.parse(config.named(closed))
    endpoints, drivers, jobs = refused.value.problems
    assert endpoints == (
        "`network.interface-endpoints`: without NAT nodes need ec2, eks, eks-auth too. Add them, or choose nat: single."
    )
    why = "`network.nat`: with none no way leads to the registries from which"
    assert drivers.startswith(f"{why} drivers of its pools come: nvcr.io/nvidia/k8s-device-plugin:")
    assert ".dkr.ecr." not in drivers, "the registry of EKS is reached through the endpoints"
    assert jobs.startswith(f"{why} its jobs come: ")
    assert "nvcr.io/nvidia/jax:" in jobs

    every = ["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sts"]
    alone = {
        "network/nat": "none", "network/interface-endpoints": every, "pools": {}, "file-system": None,
        "benchmark": {"bench": {"image": image}}, "training": {},
    }  # fmt: skip
    assert config.parse(config.named(changed(alone)))


def test_discounts_are_for_what_the_cost_report_knows() -> None:
    fine = {"contract": 7, "savings-plan": 25, "pool-h100": 3, "spot": 1, "fsx": 2, "ec2": 1}
    assert config.parse(config.named(changed({"discounts": fine})))
