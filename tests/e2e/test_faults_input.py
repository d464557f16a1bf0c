"""Bad input, limits and a machine that lacks something: one clear message, the exit code, and nothing is created."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e import small
from tests.e2e.checkout import Checkout, lines

LOCAL = "stacks/Pulumi.local.yaml"


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """Nothing is ever deployed in it; each test writes the stack file it needs."""
    with small.small_stack() as made:
        yield made


def assert_nothing_happened(checkout: Checkout) -> None:
    """No daemon runs and Pulumi knows no stack."""
    assert checkout.processes() == []
    assert not checkout.settings.backend.exists()


def changed(checkout: Checkout, name: str, **sections: object) -> str:
    """Write a stack file that is the local one with some sections changed (None: left out). Returns the stack's name"""
    document = yaml.safe_load((checkout.folder / LOCAL).read_text(encoding="utf-8"))
    for key, value in sections.items():
        document["config"]["ai-datacenter:" + key.replace("_", "-")] = value
    checkout.write(f"stacks/Pulumi.{name}.yaml", yaml.safe_dump(document, sort_keys=False))
    return name


MISTAKES = {
    "`pools[typo].nodes`": "two is not a whole number",
    "`pools[typo].instance_type`": "unknown key. Did you mean instance-type?",
    "`pools[away].zone`": "us-east-1f is not one of network.zones (us-east-1a, us-east-1b)",
    "`pools[unknown].instance-type`": "p5.48xlrge is not an instance type that the catalog knows. Did you mean",
    "`pools[slow].efa`": "g6e.xlarge has no EFA",
    "`pools[unpaid].purchase`": "missing. How the nodes are bought",
    "`file-system.storage-gib`": "3000 is not on a step of 125 MB/s per TiB",
}


def test_every_mistake_of_a_stack_file_is_one_line_and_nothing_is_created(checkout: Checkout) -> None:
    bought = {"purchase": {"model": "on-demand"}}
    pool = {"instance-type": "p5.48xlarge", "zone": "us-east-1a", "nodes": 1, **bought}
    unpaid = {key: value for key, value in pool.items() if key != "purchase"}
    name = changed(
        checkout,
        "local-wrong",
        pools={
            "typo": {**pool, "instance_type": "p5.48xlarge", "nodes": "two"},
            "away": {**pool, "zone": "us-east-1f"},
            "unknown": {**pool, "instance-type": "p5.48xlrge"},
            "slow": {**pool, "instance-type": "g6e.xlarge", "efa": True},
            "unpaid": unpaid,
        },
        file_system={"zone": "us-east-1a", "storage-gib": 3000, "throughput": 125},
        benchmark={},
        training={},
    )
    refused = checkout.run("operations", "up", "--stack", name)
    assert refused.returncode == 2, refused.stderr
    found = [line.removeprefix("error: ") for line in refused.stderr.splitlines()]
    for where, what in MISTAKES.items():
        assert len([line for line in found if line.startswith(where) and what in line]) == 1, (where, found)
    assert len(found) == len(MISTAKES), found
    assert_nothing_happened(checkout)


def test_a_network_that_is_too_small_is_refused(checkout: Checkout) -> None:
    checkout.write("stacks/Pulumi.local-tiny.yaml", small.FILE.replace("10.30.0.0/16", "10.30.0.0/24"))
    refused = checkout.run("operations", "up", "--stack", "local-tiny")
    assert refused.returncode == 2, refused.stderr
    assert refused.stderr.splitlines() == [
        "error: `network.cidr`: 10.30.0.0/24 is too small. Give a range from /16 to /20, for instance 10.30.0.0/16."
    ]
    assert_nothing_happened(checkout)


def test_a_missing_stack_file_names_those_there_are(checkout: Checkout) -> None:
    refused = checkout.run("operations", "up", "--stack", "prod-h20")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    there = sorted(path.name.split(".")[1] for path in (checkout.folder / "stacks").glob("Pulumi.*.yaml"))
    assert line == (
        f"error: stack prod-h20: there is no stacks/Pulumi.prod-h20.yaml (there are: {', '.join(there)}). "
        "Did you mean prod-h200?"
    )
    assert_nothing_happened(checkout)


def test_a_local_stack_that_names_a_real_account_is_refused(checkout: Checkout) -> None:
    checkout.write("stacks/Pulumi.local-real.yaml", small.FILE.replace("123456789012", "111122223333"))
    refused = checkout.run("operations", "up", "--stack", "local-real")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert "the account of the local cloud" in line
    assert_nothing_happened(checkout)


def test_an_exceeded_budget_creates_nothing(checkout: Checkout) -> None:
    checkout.write("stacks/Pulumi.local-dear.yaml", small.FILE.replace("monthly-usd: 100000", "monthly-usd: 100"))
    refused = checkout.run("operations", "up", "--stack", "local-dear")
    assert refused.returncode == 3, refused.stderr
    first, last = lines(refused.stderr, "error: ")
    assert "100" in first
    assert "monthly-usd" in first
    assert last == "error: nothing was created"
    assert_nothing_happened(checkout)


def test_a_cloud_stack_without_a_terminal_wants_a_yes(checkout: Checkout) -> None:
    refused = checkout.run("operations", "up", "--stack", "prod-h200")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert "set YES=1" in line
    assert_nothing_happened(checkout)


def test_a_private_api_out_of_reach_is_told_before_anything(checkout: Checkout) -> None:
    refused = checkout.run("operations", "up", "--stack", "prod-h200", YES="1")
    assert refused.returncode == 2, refused.stderr
    (line,) = lines(refused.stderr, "error: ")
    assert "cluster.public-access-cidrs: empty, so the Kubernetes API answers only inside 10.40.0.0/16" in line
    assert_nothing_happened(checkout)


def test_a_taken_port_is_one_line_with_the_way_out(checkout: Checkout) -> None:
    port = checkout.settings.ports["scheduler"]
    with socket.create_server(("127.0.0.1", port)):
        refused = small.up(checkout)
    assert refused.returncode == 1
    (line,) = lines(refused.stderr, "error: ")
    assert line.startswith(f"error: port {port}, needed by scheduler, is taken by ")
    assert f"(pid {os.getpid()})" in line
    assert "AIDC_PORT=" in line
    assert_nothing_happened(checkout)


def test_a_disk_without_space_for_the_tools_is_told(checkout: Checkout, tmp_path: Path) -> None:
    """The tools are wanted on a file system of 8 MB."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this machine does not let us mount a small file system")
    mount = f"mount -t tmpfs -o size=8m tmpfs {tmp_path} && exec .venv/bin/python -m operations up -s {small.NAME}"
    refused = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount],
        cwd=checkout.folder,
        env={**checkout.environment, "AIDC_CACHE": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=small.LIMIT_S,
    )
    assert refused.returncode == 1, refused.stderr
    told = lines(refused.stderr, "error: ")
    assert [line for line in told if "no space for" in line and "AIDC_CACHE" in line], refused.stderr
    assert "Traceback" not in refused.stderr
    assert_nothing_happened(checkout)


def test_a_mandatory_policy_finding_creates_nothing(checkout: Checkout) -> None:
    """Last, because it starts the cloud: nodes whose metadata anybody can read, by a change in a component."""
    checkout.edit("components/node_group.py", ('"http_tokens": "required"', '"http_tokens": "optional"'))
    refused = small.up(checkout)
    assert refused.returncode == 3, refused.stdout + refused.stderr
    (line,) = lines(refused.stderr, "error: ")
    assert line == f"error: stack {small.NAME}: 2 mandatory policy findings; nothing was created"
    (finding,) = [line for line in refused.stderr.splitlines() if " lt-imdsv2-required " in line]
    assert "bench-template, general-template" in finding
    owned = checkout.shell("aws ec2 describe-vpcs --filters Name=is-default,Values=false --output text").stdout
    assert owned == ""
