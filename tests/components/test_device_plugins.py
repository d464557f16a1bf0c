"""Drivers are where pools need them, and may do no more than they must."""

from __future__ import annotations

from typing import Any

from plan import Plan, Resource
from tests.stacks.support import REMOVED, changed, plan_of, planned

TRAINIUM = {
    "pools": {
        "trn2": {
            "instance-type": "trn2.48xlarge",
            "zone": "us-east-1a",
            "nodes": 1,
            "purchase": {"model": "spot"},
            "mount-file-system": False,
        }
    },
    "benchmark": REMOVED,
    "training": REMOVED,
    "system-pools/bench/mount-file-system": REMOVED,
}


def daemons(plan: Plan) -> dict[str, Resource]:
    return {one.inputs["metadata"]["name"]: one for one in plan.of_type("kubernetes:apps/v1:DaemonSet")}


def pod(daemon: Resource) -> dict[str, Any]:
    return daemon.inputs["spec"]["template"]["spec"]


def test_only_what_the_pools_need_is_there() -> None:
    assert set(daemons(planned("local"))) == {"nvidia-device-plugin", "efa-device-plugin", "fsx-csi-node"}
    assert set(daemons(planned("dev"))) == {"nvidia-device-plugin"}, "no EFA on g6e.xlarge, no file system"
    assert set(daemons(plan_of(changed(TRAINIUM)))) == {"neuron-device-plugin", "efa-device-plugin-privileged"}


def wanting(daemon: Resource) -> set[str]:
    """Pools of the local stack that need a driver: both mount the file system, one has devices."""
    return {"bench", "h100"} if daemon.inputs["metadata"]["name"] == "fsx-csi-node" else {"h100"}


def test_drivers_run_only_on_nodes_that_pools_have_labelled_for_them() -> None:
    plan = planned("local")
    labels = [group.inputs["labels"] for group in plan.of_type("aws:eks/nodeGroup:NodeGroup")]
    for daemon in daemons(plan).values():
        selector = pod(daemon)["nodeSelector"]
        fitting = [given for given in labels if selector.items() <= given.items()]
        assert {given["dc/pool"] for given in fitting} == wanting(daemon)


def test_drivers_tolerate_the_taints_of_those_nodes_and_no_others() -> None:
    taints = {"h100": "nvidia.com/gpu", "bench": "dc/dedicated"}
    for daemon in daemons(planned("local")).values():
        assert {entry["key"] for entry in pod(daemon)["tolerations"]} == {taints[pool] for pool in wanting(daemon)}
    for daemon in daemons(plan_of(changed(TRAINIUM))).values():
        assert [entry["key"] for entry in pod(daemon)["tolerations"]] == ["aws.amazon.com/neuron"]


def test_only_the_driver_that_mounts_is_privileged_and_on_trainium_the_one_that_reads_the_topology() -> None:
    for plan in (planned("local"), plan_of(changed(TRAINIUM))):
        for name, daemon in daemons(plan).items():
            for container in pod(daemon)["containers"]:
                security = container["securityContext"]
                if (name, container["name"]) in {
                    ("fsx-csi-node", "driver"),
                    ("efa-device-plugin-privileged", "plugin"),
                }:
                    assert security == {"privileged": True}
                else:
                    assert security["allowPrivilegeEscalation"] is False
                    assert security["capabilities"] == {"drop": ["ALL"]}
                assert {"cpu", "memory"} <= set(container["resources"]["requests"])
                assert "memory" in container["resources"]["limits"]


def test_the_driver_that_mounts_stays_until_the_last_volume_of_a_drained_node_is_free() -> None:
    driver, *_ = pod(daemons(planned("local"))["fsx-csi-node"])["containers"]
    assert driver["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/aws-fsx-csi-driver", "pre-stop-hook"]


def test_a_driver_without_business_with_the_api_gets_no_token() -> None:
    plan = daemons(planned("local"))
    tokens = {name: pod(daemon)["automountServiceAccountToken"] for name, daemon in plan.items()}
    assert tokens == {"nvidia-device-plugin": False, "efa-device-plugin": False, "fsx-csi-node": True}


def test_rights_in_the_cluster_name_resources_and_verbs() -> None:
    for plan in (planned("local"), plan_of(changed(TRAINIUM))):
        roles = plan.of_type(
            "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", "kubernetes:rbac.authorization.k8s.io/v1:Role"
        )
        assert roles
        for role in roles:
            for rule in role.inputs["rules"]:
                assert "*" not in rule["verbs"] + rule["resources"]
                assert not {"secrets", "*"} & set(rule["resources"])


def test_images_have_fixed_tags() -> None:
    for plan in (planned("local"), planned("prod-h200"), plan_of(changed(TRAINIUM))):
        for daemon in daemons(plan).values():
            for container in pod(daemon)["containers"]:
                _, _, tag = container["image"].rpartition(":")
                assert tag not in ("", "latest")
                assert "/" not in tag


def test_namespaces_start_closed_and_enforce_pod_security() -> None:
    plan = planned("local")
    for namespace in plan.of_type("kubernetes:core/v1:Namespace"):
        name = namespace.inputs["metadata"]["name"]
        assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] in (
            "restricted",
            "baseline",
        )
        policies = {
            policy.inputs["metadata"]["name"]: policy.inputs["spec"]
            for policy in plan.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
            if namespace in [*plan.referred(policy, "metadata")]
        }
        assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, name
        for rule in policies["inside"]["egress"]:
            assert rule["to"], "an empty list would open everything"
