"""GPU nodes on GKE: their networks, their plugins, and what a pod carries to use them."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

import pytest

from catalog import gcp_machines
from components.gcp import gpu_network, labels
from cost.estimate import estimate
from plan import Plan, Resource
from tests.stacks.support import changed, plan_of, planned


def with_pool(**given: Any) -> Plan:
    pool = {"zone": "us-central1-b", "nodes": 2, "purchase": {"model": "on-demand"}, **given}
    return plan_of(changed({"pools": {"gpus": pool}, "benchmark": {"gpus": {"image": "a/b:1"}}}, "local-tpu"))


def node_pool(plan: Plan, name: str) -> Resource:
    (made,) = [made for made in plan.of_type("gcp:container/nodePool:NodePool") if made.name == f"{name}-nodes"]
    return made


def job(plan: Plan) -> Any:
    (made,) = plan.of_type("kubernetes:batch/v1:Job")
    return made.inputs["spec"]["template"]


def test_a3_ultra_has_one_rdma_network_with_a_subnet_a_gpu_and_one_more_for_the_host() -> None:
    plan = planned("gcp-h200")
    networks = {made.name: made.inputs for made in plan.of_type("gcp:compute/network:Network")}
    assert networks["h200-rdma-vpc"]["networkProfile"].endswith("/networkProfiles/us-central1-b-vpc-roce")
    assert networks["h200-rdma-vpc"]["mtu"] == 8896
    assert "networkProfile" not in networks["h200-host1-vpc"]
    attached = node_pool(plan, "h200").inputs["networkConfig"]["additionalNodeNetworkConfigs"]
    assert len(attached) == 9
    told = plan.of_type("kubernetes:networking.gke.io/v1:GKENetworkParamSet")
    modes = [made.inputs["spec"]["deviceMode"] for made in told]
    assert (modes.count("RDMA"), modes.count("NetDevice")) == (8, 1)
    (cluster,) = plan.of_type("gcp:container/cluster:Cluster")
    assert cluster.inputs["enableMultiNetworking"] is True


def test_subnets_of_a_pool_do_not_overlap() -> None:
    network = gcp_machines["a3-ultragpu-8g"].network
    assert network is not None
    ranges = [part.cidr for part in gpu_network.interfaces("p", network, IPv4Network("192.168.0.0/16"))]
    assert len(ranges) == 9
    assert not any(one.overlaps(other) for index, one in enumerate(ranges) for other in ranges[index + 1 :])


def test_a_pod_on_rdma_nodes_gets_an_interface_a_gpu_and_the_plugin_and_cannot_fall_back_to_tcp() -> None:
    template = job(with_pool(**{"machine-type": "a3-ultragpu-8g"}))
    interfaces = json.loads(template["metadata"]["annotations"]["networking.gke.io/interfaces"])
    assert [entry["network"] for entry in interfaces] == ["default", *(f"gpus-rdma{index}" for index in range(8))]
    assert [entry["interfaceName"] for entry in interfaces] == ["eth0", *(f"eth{index}" for index in range(2, 10))]
    (container,) = template["spec"]["containers"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["NCCL_NET"] == "gIB"
    assert {"name": "gib", "mountPath": "/usr/local/gib", "readOnly": True} in container["volumeMounts"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"


@pytest.mark.parametrize(
    ("machine", "script"),
    [
        ("a3-ultragpu-8g", "source /usr/local/gib/scripts/set_nccl_env.sh"),
        ("a4-highgpu-8g", "source /usr/local/gib/scripts/set_nccl_env.sh"),
        ("a3-megagpu-8g", "NCCL_LIB_DIR=/usr/local/nvidia/lib64 source /usr/local/nvidia/lib64/nccl-env-profile.sh"),
    ],
)
def test_a_pod_takes_the_tuning_of_its_plugin_before_its_program_starts(machine: str, script: str) -> None:
    """Without it gIB does not start: it finds no NCCL_TUNER_CONFIG_PATH."""
    (container,) = job(with_pool(**{"machine-type": machine}))["spec"]["containers"]
    assert container["command"][:3] == ["bash", "-c", f'{script} && exec "$0" "$@"']
    assert container["command"][3:6] == ["python", "-m", "training.bench"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["NCCL_SOCKET_IFNAME"] == "eth0", "the networks of GPUs carry nothing but GPU traffic"


def test_other_pods_need_no_shell() -> None:
    (container,) = job(with_pool(**{"machine-type": "g2-standard-12"}))["spec"]["containers"]
    assert container["command"][0] == "python"


def test_the_power_label_says_what_the_cost_report_says() -> None:
    plan = planned("gcp-h200")
    (pool,) = [pool for pool in estimate(plan).power.pools if pool.pool == "h200"]
    assert pool.max_kw is not None
    label = node_pool(plan, "h200").inputs["nodeConfig"]["resourceLabels"]["dc-power-kw-max"]
    assert label == labels.value(f"{pool.max_kw / float(pool.count):g}")


def test_the_plugin_runs_on_the_nodes_of_its_fabric_and_tolerates_their_taint() -> None:
    plan = planned("gcp-h200")
    (daemon,) = plan.of_type("kubernetes:apps/v1:DaemonSet")
    pod = daemon.inputs["spec"]["template"]["spec"]
    assert daemon.inputs["metadata"]["name"] == "nccl-rdma-installer"
    assert pod["nodeSelector"] == {"dc/gpu-fabric": "rdma"}
    assert node_pool(plan, "h200").inputs["nodeConfig"]["labels"]["dc/gpu-fabric"] == "rdma"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert all("gpudirect-gib" in step["image"] for step in pod["initContainers"])


def test_a3_mega_has_a_network_a_gpu_and_tcpxo() -> None:
    plan = with_pool(**{"machine-type": "a3-megagpu-8g"})
    attached = node_pool(plan, "gpus").inputs["networkConfig"]["additionalNodeNetworkConfigs"]
    assert len(attached) == 8
    gpu_networks = [made for made in plan.of_type("gcp:compute/network:Network") if made.name.startswith("gpus-net")]
    assert len(gpu_networks) == 8
    assert {made.inputs["mtu"] for made in gpu_networks} == {8244}
    daemons = {made.inputs["metadata"]["name"] for made in plan.of_type("kubernetes:apps/v1:DaemonSet")}
    assert daemons == {"nccl-tcpxo-installer", "device-injector"}


def test_a_pod_on_a3_mega_has_a_receiver_beside_it_that_ends_with_it() -> None:
    template = job(with_pool(**{"machine-type": "a3-megagpu-8g"}))
    (receiver,) = template["spec"]["initContainers"]
    assert receiver["restartPolicy"] == "Always", "a sidecar: the job ends without it"
    assert {mount["name"] for mount in receiver["volumeMounts"]} <= {
        entry["name"] for entry in template["spec"]["volumes"]
    }
    devices = template["metadata"]["annotations"]["devices.gke.io/container.tcpxo-daemon"]
    assert devices.count("/dev/nvidia") == 10
    (container,) = template["spec"]["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["aperture-devices"]["readOnly"] is False
    assert "sys" not in mounts, "the host's /sys is the receiver's alone"


def test_a4_is_wired_like_a3_ultra() -> None:
    node = node_pool(with_pool(**{"machine-type": "a4-highgpu-8g"}), "gpus").inputs
    assert len(node["networkConfig"]["additionalNodeNetworkConfigs"]) == 9
    assert node["nodeConfig"]["guestAccelerators"] == [
        {"type": "nvidia-b200", "count": 8, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}
    ]


def test_a_plain_gpu_needs_no_network_and_no_plugin() -> None:
    plan = with_pool(**{"machine-type": "g2-standard-12"})
    assert "additionalNodeNetworkConfigs" not in node_pool(plan, "gpus").inputs["networkConfig"]
    assert not plan.of_type("kubernetes:apps/v1:DaemonSet")
    (cluster,) = plan.of_type("gcp:container/cluster:Cluster")
    assert cluster.inputs["enableMultiNetworking"] is False


@pytest.mark.parametrize(
    ("purchase", "placed"),
    [
        ({"model": "on-demand"}, True),
        ({"model": "flex-start"}, True),
        ({"model": "flex-start", "queued": True}, False),
        ({"model": "reservation", "reservation": "mine"}, False),
    ],
)
def test_nodes_stand_together_unless_their_place_is_given(purchase: dict[str, Any], placed: bool) -> None:
    inputs = node_pool(with_pool(**{"machine-type": "a3-ultragpu-8g", "purchase": purchase}), "gpus").inputs
    assert (inputs.get("placementPolicy") == {"type": "COMPACT"}) is placed
