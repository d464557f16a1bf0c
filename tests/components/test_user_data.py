"""What a node is told when it boots."""

from __future__ import annotations

import base64
import email
import os
import subprocess
from email.message import Message
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from catalog import instances
from components import lustre_client
from components.accelerator_pool import AcceleratorPoolSpec
from components.user_data import LARGEST, node_config, user_data
from tests.stacks.support import changed, plan_of, planned


def parts(kind: str) -> list[Message]:
    return read(user_data(node_config(instances[kind])))


def read(encoded: str | None) -> list[Message]:
    assert encoded is not None
    raw = base64.b64decode(encoded, validate=True)
    assert len(raw) <= LARGEST
    message = email.message_from_bytes(raw)
    assert message.get_content_type() == "multipart/mixed"
    return [part for part in message.walk() if not part.is_multipart()]


def test_local_disks_become_one_striped_volume() -> None:
    (part,) = parts("p5.48xlarge")
    assert part.get_content_type() == "application/node.eks.aws"
    config = yaml.safe_load(str(part.get_payload()))
    assert config["apiVersion"] == "node.eks.aws/v1alpha1"
    assert config["kind"] == "NodeConfig"
    assert config["spec"]["instance"]["localStorage"]["strategy"] == "RAID0"


@pytest.mark.parametrize("kind", ["m7i.xlarge", "c7i.2xlarge"])
def test_a_node_without_local_disks_is_told_nothing(kind: str) -> None:
    assert user_data(node_config(instances[kind])) is None


def test_the_same_node_is_always_told_the_same() -> None:
    """A random MIME boundary would make a new launch template, and roll the nodes, at every update."""
    config = node_config(instances["p5.48xlarge"])
    assert user_data(config) == user_data(config)


def boot(stack_or_changes: str | dict[str, object], pool: str) -> list[Message]:
    """What the nodes of a pool are told, by the plan of a stack."""
    whole = planned(stack_or_changes) if isinstance(stack_or_changes, str) else plan_of(changed(stack_or_changes))
    (template,) = [
        made for made in whole.of_type("aws:ec2/launchTemplate:LaunchTemplate") if made.name == f"{pool}-template"
    ]
    return read(template.inputs.get("userData"))


def limits_of_pods(message: Message) -> dict[str, dict[str, object]]:
    spec = yaml.safe_load(str(message.get_payload()))["spec"]
    return {limit["type"]: limit for limit in spec["containerd"]["baseRuntimeSpec"]["process"]["rlimits"]}


def test_pods_of_a_fabric_pool_may_lock_all_memory_and_keep_the_other_limits() -> None:
    """RDMA locks what it registers; a list of limits replaces that of the image."""
    found = limits_of_pods(boot("prod-h200", "h200")[-1])
    locked = found["RLIMIT_MEMLOCK"]["hard"]
    assert locked == found["RLIMIT_MEMLOCK"]["soft"]
    assert isinstance(locked, int)
    assert locked > max(one.memory_gib for one in map(instances.__getitem__, instances)) * 2**30
    assert float(locked) == locked <= 2**53, "nodeadm reads numbers as floating point"
    assert found["RLIMIT_NOFILE"] == {"type": "RLIMIT_NOFILE", "soft": 65536, "hard": 1048576}


def test_a_pool_without_fabric_keeps_the_limits_of_the_image() -> None:
    assert "containerd" not in (node_config(instances["p5.48xlarge"]) or {})["spec"]


def test_clients_of_a_fabric_file_system_are_set_up_for_it_before_they_join() -> None:
    script, config = boot("prod-h200", "h200")
    assert script.get_content_type() == "text/x-shellscript"
    assert config.get_content_type() == "application/node.eks.aws"
    text = str(script.get_payload())
    assert text.startswith("#!/bin/bash\n")
    steps = [
        "dnf install -y lustre-client",
        "modprobe kefalnd",
        "lnetctl net add --net tcp",
        "lnetctl net add --net efa",
        "lnetctl udsp add --src efa --priority 0",
        "modprobe lustre",
    ]
    assert sorted(steps, key=text.index) == steps
    assert "wanted=8" in text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"file-system/zone": "us-east-1b"}, "EFA does not cross zones"),
        ({"pools/other/mount-file-system": False}, "its pods do not mount"),
        ({"pools/other/efa": False}, "its nodes have no EFA"),
        ({"pools/other/instance-type": "p4d.24xlarge"}, "Nitro v3"),
        ({"pools/other/instance-type": "trn2.3xlarge"}, "Trainium2"),
    ],
)
def test_other_nodes_mount_over_tcp(change: dict[str, object], why: str) -> None:
    """One pool reaches the file system through EFA, so that it may have it; the other is the one in question."""
    pool = {"instance-type": "p5.48xlarge", "nodes": 1, "purchase": {"model": "spot"}}
    pools = {"client": {**pool, "zone": "us-east-1a"}, "other": {**pool, "zone": "us-east-1a"}}
    base = {"pools": pools, "benchmark": {}, "training": {}}
    base |= {"file-system/efa": True, "file-system/throughput": 1000, "file-system/storage-gib": 4800}
    if "file-system/zone" in change:
        pools["client"]["zone"] = "us-east-1b"
    assert len(boot(base | change, "client")) == 2
    assert len(boot(base | change, "other")) == 1, why


def test_how_many_interfaces_a_client_gets_is_what_aws_gives() -> None:
    """FSx for Lustre User Guide, "Configuring EFA clients"."""
    given = {name: instances[name].fsx_lustre_efa_interfaces for name in instances}
    assert {name for name, count in given.items() if count == 8} == {
        "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge", "p6e-gb200.36xlarge",
    }  # fmt: skip
    for name, count in given.items():
        one = instances[name]
        if count:
            assert one.efa, name
            assert (one.nitro or 0) >= 4, name
            assert count <= one.efa.interfaces, name
            assert not one.family.startswith("trn2"), name
    assert lustre_client.script(instances["p4d.24xlarge"]) is None


def test_the_script_picks_interfaces_over_the_whole_row(tmp_path: Path) -> None:
    """Run for real, with a stand-in for every command that touches the system."""
    text = lustre_client.script(instances["p5.48xlarge"])
    assert text is not None
    for number in range(32):
        driver = tmp_path / "drivers" / "efa"
        driver.mkdir(parents=True, exist_ok=True)
        device = tmp_path / "infiniband" / f"rdmap{number}s0" / "device"
        device.mkdir(parents=True)
        (device / "driver").symlink_to(driver)
    text = text.replace("/sys/class/infiniband", str(tmp_path / "infiniband"))
    text = text.replace(lustre_client.PER_BOOT, str(tmp_path / "per-boot"))
    text = text.replace("/etc/modprobe.d/", f"{tmp_path}/")
    script = tmp_path / "script"
    script.write_text(text, encoding="utf-8")
    said = tmp_path / "said"
    for name in ("lnetctl", "modprobe", "dnf"):
        stand_in = tmp_path / "bin" / name
        stand_in.parent.mkdir(exist_ok=True)
        stand_in.write_text(f'#!/bin/sh\necho {name} "$@" >> {said}\n', encoding="utf-8")
        stand_in.chmod(0o755)
    route = tmp_path / "bin" / "ip"
    route.write_text("#!/bin/sh\necho default via 10.0.0.1 dev ens5 proto dhcp\n", encoding="utf-8")
    route.chmod(0o755)
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(["bash", str(script)], env=environment, check=True, capture_output=True)
    lines = said.read_text(encoding="utf-8").splitlines()
    added = [line.split("--if ")[1].split()[0] for line in lines if "--net efa" in line]
    assert added == [f"rdmap{number}s0" for number in range(0, 32, 4)]
    assert "modprobe kefalnd ipif_name=ens5" in lines
    assert lines[-2] == "modprobe lustre"
    assert not any(line.startswith("dnf") for line in lines), "it is installed already"
    assert (tmp_path / "per-boot").read_text(encoding="utf-8") == text


def test_a_pool_with_a_driver_that_the_images_lack_is_refused() -> None:
    spec = {"instance-type": "g7.48xlarge", "zone": "us-east-1a", "nodes": 1, "purchase": {"model": "spot"}}
    with pytest.raises(ValidationError, match=r"g7\.48xlarge needs NVIDIA driver 595, and the images of EKS carry 580"):
        AcceleratorPoolSpec.model_validate(spec)
