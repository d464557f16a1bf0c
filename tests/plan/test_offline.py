"""The offline run sees what Pulumi would see, and fails as a user would want."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan import SECRET, UNKNOWN, PlanError, offline
from terminal import Exit, UserError

PROGRAM = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider("aws", region=pulumi.Config("aws").require("region"))

class Net(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("test:index:Net", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=child)
        self.subnet = aws.ec2.Subnet(f"{name}-a", vpc_id=self.vpc.id, cidr_block="10.0.0.0/24", opts=child)
        self.register_outputs({"vpc": self.vpc.id})

net = Net("net", opts=pulumi.ResourceOptions(providers=[provider]))
aws.ssm.Parameter("p", type="String", value=pulumi.Output.secret("s3cr3t"),
                  opts=pulumi.ResourceOptions(provider=provider, depends_on=[net]))
pulumi.export("vpc", net.vpc.id)
print("a print of the program")
"""


def project(folder: Path, program: str, stack_file: str = "config:\n  aws:region: us-east-1\n") -> Path:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    (folder / "stacks").mkdir()
    (folder / "stacks" / "Pulumi.dev.yaml").write_text(stack_file)
    (folder / "__main__.py").write_text(program)
    return folder


def test_a_plan_has_parents_providers_dependencies_and_unknowns(tmp_path: Path) -> None:
    plan = offline.run("dev", root=project(tmp_path, PROGRAM))
    (vpc,) = plan.of_type("aws:ec2/vpc:Vpc")
    (subnet,) = plan.of_type("aws:ec2/subnet:Subnet")
    assert vpc.urn == "urn:pulumi:dev::shop::test:index:Net$aws:ec2/vpc:Vpc::net-vpc"
    assert [parent.name for parent in plan.ancestors(vpc)] == ["net", "shop-dev"]
    assert subnet.inputs["vpcId"] is UNKNOWN
    assert plan.referred(subnet, "vpcId") == (vpc,)
    assert subnet.provider == "urn:pulumi:dev::shop::pulumi:providers:aws::aws"
    assert plan.exports == {"vpc": UNKNOWN}


def test_depending_on_a_component_means_depending_on_its_children(tmp_path: Path) -> None:
    plan = offline.run("dev", root=project(tmp_path, PROGRAM))
    (parameter,) = plan.of_type("aws:ssm/parameter:Parameter")
    assert {plan.by_urn[urn].name for urn in parameter.dependencies} >= {"net-vpc", "net-a"}


def test_secrets_never_enter_a_plan(tmp_path: Path) -> None:
    plan = offline.run("dev", root=project(tmp_path, PROGRAM))
    assert plan.of_type("aws:ssm/parameter:Parameter")[0].inputs["value"] == SECRET
    assert "s3cr3t" not in repr(plan)


def test_both_modes_plan_the_same_resources_and_mode_up_knows_ids(tmp_path: Path) -> None:
    root = project(tmp_path, PROGRAM)
    preview, up = offline.run("dev", root=root), offline.run("dev", "up", root=root)
    assert list(preview.by_urn) == list(up.by_urn)
    assert up.of_type("aws:ec2/subnet:Subnet")[0].inputs["vpcId"].startswith("vpc-")


def test_what_the_program_prints_does_not_mix_with_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offline.run("dev", root=project(tmp_path, PROGRAM))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a print of the program" in captured.err


def test_a_missing_stack_names_those_that_exist(tmp_path: Path) -> None:
    root = project(tmp_path, PROGRAM)
    with pytest.raises(PlanError, match=r"no stacks/Pulumi.devv.yaml \(there are: dev\). Did you mean dev\?") as error:
        offline.run("devv", root=root)
    assert error.value.code is Exit.USAGE


@pytest.mark.parametrize(
    ("program", "message", "code"),
    [
        ("import pulumi\nraise pulumi.RunError('pools[a].zone: wrong')", r"^pools\[a\].zone: wrong$", Exit.USAGE),
        ("x = {}\nx['a']", r"the program failed: KeyError: 'a' \(__main__.py:2\)", Exit.FAILURE),
        ("import pulumi_aws as aws\naws.get_caller_identity()", "look-ups need an account", Exit.USAGE),
        (
            "import pulumi_aws as aws\naws.s3.Bucket('b')\naws.s3.Bucket('b')",
            "Duplicate resource URN .*; try giving it a unique name",
            Exit.USAGE,
        ),
    ],
)
def test_a_failing_program_is_one_line(tmp_path: Path, program: str, message: str, code: Exit) -> None:
    with pytest.raises(UserError, match=message) as error:
        offline.run("dev", root=project(tmp_path, program))
    assert error.value.code is code
    assert len(error.value.problems) == 1


def test_a_failed_run_does_not_disturb_the_next(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    with pytest.raises(UserError):
        offline.run("dev", root=project(tmp_path / "bad", "raise ValueError('no')"))
    assert len(offline.run("dev", root=project(tmp_path / "good", PROGRAM))) == 6


def test_encrypted_values_reach_the_program_as_secrets(tmp_path: Path) -> None:
    file = "config:\n  token: {secure: v1:abc}\n  list: [1, {secure: v1:x}]\n"
    program = "import pulumi\nc = pulumi.Config()\npulumi.export('t', c.require('token'))\n"
    root = project(tmp_path, program, file)
    assert offline.run("dev", root=root).exports == {"t": SECRET}


CLUSTER = """
import pulumi_aws as aws
cluster = aws.eks.Cluster("c", role_arn="arn:aws:iam::123456789012:role/r", vpc_config={"subnet_ids": ["subnet-1"]})
rule = dict(cidr_ipv4="10.0.0.0/8", ip_protocol="-1")
aws.vpc.SecurityGroupIngressRule("r", security_group_id=cluster.vpc_config.cluster_security_group_id, **rule)
"""


def test_an_output_inside_an_input_object_is_unknown_in_a_preview_and_known_afterwards(tmp_path: Path) -> None:
    root = project(tmp_path, CLUSTER)
    groups = [
        offline.run("dev", mode, root=root)
        .of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")[0]
        .inputs
        for mode in ("preview", "up")
    ]
    assert groups[0]["securityGroupId"] is UNKNOWN
    assert groups[1]["securityGroupId"].startswith("sg-")


def test_an_unquoted_timestamp_is_text(tmp_path: Path) -> None:
    program = "import pulumi\npulumi.export('a', pulumi.Config().require_object('a'))\n"
    root = project(tmp_path, program, "config:\n  a: {start: 2026-12-01T11:30:00Z}\n")
    assert offline.run("dev", root=root).exports == {"a": {"start": "2026-12-01 11:30:00+00:00"}}
