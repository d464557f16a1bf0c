"""What the GKE cluster and its network let through, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plan import Plan, Resource
from stacks import config
from tests.stacks.support import REMOVED, changed, plan_of, planned

GCP_STACKS = [stack for stack in config.names() if config.load(stack).cloud == "gcp"]


@pytest.fixture
def plan() -> Plan:
    return planned("tpu-v6e-pod")


def cluster(plan: Plan) -> Resource:
    (made,) = plan.of_type("gcp:container/cluster:Cluster")
    return made


def access(stack_file: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """How the API is private, and the networks it names."""
    inputs = cluster(plan_of(stack_file)).inputs
    named = inputs["masterAuthorizedNetworksConfig"]
    assert named["gcpPublicCidrsAccessEnabled"] is False
    return inputs["privateClusterConfig"], [block["cidrBlock"] for block in named["cidrBlocks"]]


def test_the_api_is_private_unless_networks_of_the_internet_are_named() -> None:
    private, named = access(changed({"cluster/public-access-cidrs": []}, "tpu-v6e-pod"))
    assert private == {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    assert named == []
    opened, named = access(changed({}, "tpu-v5e"))
    assert opened["enablePrivateEndpoint"] is False
    assert named == ["203.0.113.0/24"]


def test_a_private_api_opens_to_private_networks_and_stays_private() -> None:
    changes = {"cluster/public-access-cidrs": [], "cluster/private-access-cidrs": ["172.16.0.0/12"]}
    private, named = access(changed(changes, "tpu-v6e-pod"))
    assert private["enablePrivateEndpoint"] is True
    assert private["masterGlobalAccessConfig"] == {"enabled": True}, "a VPN may end in another region"
    assert named == ["172.16.0.0/12"]


@pytest.mark.parametrize("stack", GCP_STACKS)
def test_the_first_up_of_a_committed_stack_has_a_way_to_the_api(stack: str) -> None:
    """The stack makes its own VPC: before it is there, nobody has an address in it and no VPN leads there."""
    assert cluster(planned(stack)).inputs["privateClusterConfig"]["enablePrivateEndpoint"] is False


def test_secrets_are_under_a_key_of_ours_that_gke_may_use(plan: Plan) -> None:
    made = cluster(plan)
    assert made.inputs["databaseEncryption"]["state"] == "ENCRYPTED"
    grants = {urn.rsplit("::", 1)[-1] for urn in made.property_dependencies["databaseEncryption"]}
    assert {"cluster-key", "cluster-secrets", "cluster-disks"} <= grants, "the cluster waits until its key can be used"
    (grant,) = [grant for grant in plan if grant.name == "cluster-secrets"]
    assert (
        grant.inputs["member"] == "serviceAccount:service-000000000000@container-engine-robot.iam.gserviceaccount.com"
    )


def test_keys_rotate_every_ninety_days(plan: Plan) -> None:
    keys = plan.of_type("gcp:kms/cryptoKey:CryptoKey")
    assert keys
    assert {key.inputs["rotationPeriod"] for key in keys} == {"7776000s"}


def test_pods_have_identities_and_nodes_the_least_rights(plan: Plan) -> None:
    assert cluster(plan).inputs["workloadIdentityConfig"] == {"workloadPool": "your-project.svc.id.goog"}
    roles = {
        grant.inputs["role"] for grant in plan.of_type("gcp:projects/iAMMember:IAMMember") if "nodes" in grant.name
    }
    assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}
    for pool in plan.of_type("gcp:container/nodePool:NodePool"):
        node = pool.inputs["nodeConfig"]
        assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert node["shieldedInstanceConfig"]["enableIntegrityMonitoring"] is True
        assert pool.inputs["networkConfig"]["enablePrivateNodes"] is True
        assert "bootDiskKmsKey" in node


def test_the_cluster_is_dual_stack_on_dataplane_v2_with_a_channel_and_a_window(plan: Plan) -> None:
    inputs = cluster(plan).inputs
    assert inputs["datapathProvider"] == "ADVANCED_DATAPATH"
    assert inputs["ipAllocationPolicy"]["stackType"] == "IPV4_IPV6"
    assert inputs["releaseChannel"] == {"channel": "STABLE"}
    assert inputs["maintenancePolicy"]["recurringWindow"]["recurrence"].startswith("FREQ=WEEKLY")
    assert inputs["deletionProtection"] is True
    assert cluster(plan).protect


@pytest.mark.parametrize(("stack", "both"), [("gcp-h200", False), ("tpu-v6e-pod", True), ("local-tpu", True)])
def test_a_stack_is_dual_stack_only_where_nodes_have_no_further_networks(stack: str, both: bool) -> None:
    """GKE's multi-networking does not work in dual-stack clusters."""
    plan = planned(stack)
    inputs = cluster(plan).inputs
    assert inputs["enableMultiNetworking"] is not both
    assert inputs["ipAllocationPolicy"]["stackType"] == ("IPV4_IPV6" if both else "IPV4")
    (subnet,) = [made for made in plan.of_type("gcp:compute/subnetwork:Subnetwork") if made.name == "network-nodes"]
    assert subnet.inputs["stackType"] == ("IPV4_IPV6" if both else "IPV4_ONLY")
    assert ("ipv6AccessType" in subnet.inputs) is both


def test_the_control_plane_reaches_webhooks_on_any_port(plan: Plan) -> None:
    """GKE opens 443 and 10250 to it; the webhooks of JobSet's controller listen on 9443."""
    assert not {"masterIpv4CidrBlock", "privateEndpointSubnetwork"} & set(cluster(plan).inputs["privateClusterConfig"])
    (inside,) = [made for made in plan if made.name == "network-inside"]
    (subnet,) = [made for made in plan if made.name == "network-nodes"]
    assert subnet.inputs["ipCidrRange"] in inside.inputs["sourceRanges"], "its address is taken from there"
    assert {"protocol": "tcp"} in inside.inputs["allows"]


def test_lustre_may_call_its_clients_back_and_nothing_else_of_googles_services_may() -> None:
    (rule,) = [made for made in planned("gcp-h200") if made.name == "network-lustre"]
    assert rule.inputs["direction"] == "INGRESS"
    assert rule.inputs["sourceRanges"] == ["10.192.0.0/20"]
    assert rule.inputs["allows"] == [{"protocol": "tcp", "ports": ["988", "6988"]}]
    for stack in ("tpu7x", "local-tpu"):
        assert not [made for made in planned(stack) if made.name == "network-lustre"], stack


def test_only_administrators_get_in_and_only_into_this_cluster(plan: Plan) -> None:
    (binding,) = plan.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    assert binding.inputs["subjects"] == [
        {"kind": "User", "name": "you@example.com", "apiGroup": "rbac.authorization.k8s.io"}
    ]
    (viewer,) = [grant for grant in plan if grant.name.endswith("-viewer")]
    assert viewer.inputs["role"] == "roles/container.clusterViewer", "IAM alone gives no right inside any cluster"


def test_the_kubeconfig_holds_no_secret_and_asks_googles_plugin() -> None:
    exports: Any = planned("tpu-v6e-pod", "up").exports
    config = json.loads(exports["cluster"]["kubeconfig"])
    (user,) = config["users"]
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert set(user["user"]) == {"exec"}
    assert config["clusters"][0]["cluster"]["server"] == exports["cluster"]["endpoint"] == "https://10.0.0.2"


def test_a_cluster_stays_the_same_one_when_its_api_turns_private() -> None:
    """Else the provider is replaced with its address, and every object in the cluster with the provider."""
    (made,) = planned("tpu-v6e-pod", "up").of_type("pulumi:providers:kubernetes")
    assert len(made.inputs["clusterIdentifier"]) == 16
    assert "10.0.0.2" not in made.inputs["clusterIdentifier"]


def test_what_no_rule_allows_is_refused_and_logged(plan: Plan) -> None:
    rules = {rule.name: rule.inputs for rule in plan.of_type("gcp:compute/firewall:Firewall")}
    for family, world in (("ipv4", "0.0.0.0/0"), ("ipv6", "::/0")):
        deny = rules[f"network-deny-{family}"]
        assert deny["sourceRanges"] == [world]
        assert deny["denies"] == [{"protocol": "all"}]
        assert deny["logConfig"]
    for rule in rules.values():
        if "allows" in rule:
            assert not {"0.0.0.0/0", "::/0"} & set(rule["sourceRanges"])
            assert rule["priority"] < rules["network-deny-ipv4"]["priority"]


def test_nodes_reach_google_privately_and_the_world_through_nat(plan: Plan) -> None:
    (subnet,) = [made for made in plan.of_type("gcp:compute/subnetwork:Subnetwork") if made.name == "network-nodes"]
    assert subnet.inputs["privateIpGoogleAccess"] is True
    assert subnet.inputs["stackType"] == "IPV4_IPV6"
    assert subnet.inputs["logConfig"]["flowSampling"] == 0.5
    assert {entry["rangeName"] for entry in subnet.inputs["secondaryIpRanges"]} == {"pods", "services"}
    assert plan.of_type("gcp:compute/routerNat:RouterNat")
    closed = plan_of(changed({"network/nat": "none"}, "local-tpu"))
    assert not closed.of_type("gcp:compute/routerNat:RouterNat")


def test_services_are_switched_on_before_anything_needs_them(plan: Plan) -> None:
    (main,) = [made for made in plan.of_type("pulumi:providers:gcp") if made.name == "gcp"]
    (bare,) = [made for made in plan.of_type("pulumi:providers:gcp") if made.name == "gcp-apis"]
    services = plan.of_type("gcp:projects/service:Service")
    assert {service.urn for service in services} <= set(main.dependencies)
    assert {service.provider for service in services} == {bare.urn}
    others = [made for made in plan if made.type.startswith("gcp:") and made not in services]
    assert {made.provider for made in others} == {main.urn}
    assert {service.inputs["disableOnDestroy"] for service in services} == {False}


def test_services_are_only_those_that_the_sections_need() -> None:
    names = {
        service.inputs["service"].partition(".")[0]
        for service in planned("local-tpu").of_type("gcp:projects/service:Service")
    }
    assert names == {"cloudkms", "compute", "container", "iam", "logging", "monitoring"}


def test_nodes_wait_for_the_rights_of_their_account(plan: Plan) -> None:
    for pool in plan.of_type("gcp:container/nodePool:NodePool"):
        waits = {urn.rsplit("::", 1)[-1] for urn in pool.dependencies}
        assert "cluster-nodes-container-defaultNodeServiceAccount" in waits


def test_a_stack_needs_no_more_than_network_cluster_and_one_system_pool() -> None:
    plan = plan_of(changed({"pools": REMOVED, "benchmark": REMOVED, "policies": REMOVED}, "local-tpu"))
    assert len(plan.of_type("gcp:container/nodePool:NodePool")) == 2
