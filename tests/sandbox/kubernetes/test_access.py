"""Who may do what: client certificates, EKS tokens through the webhook, access entries, Pod Security."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from sandbox import health
from sandbox.kubernetes.connection import connect
from sandbox.settings import ACCESS_KEY, SECRET_KEY, Settings
from tests.sandbox.emulated import REGION, Cluster, aws, eventually

pytestmark = pytest.mark.sandbox
POLICY = "arn:aws:eks::aws:cluster-access-policy/{}"


def token(settings: Settings, cluster: str, key: tuple[str, str] = (ACCESS_KEY, SECRET_KEY)) -> str:
    """What `aws eks get-token` prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_ACCESS_KEY_ID": key[0],
        "AWS_SECRET_ACCESS_KEY": key[1],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    command = [str(Path(sys.executable).with_name("aws")), "eks", "get-token", "--cluster-name", cluster]
    done = subprocess.run([*command, "--region", REGION], env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["status"]["token"]


def status_of(settings: Settings, bearer: str, path: str, body: dict[str, Any] | None = None) -> int:
    """HTTP status of a call with a bearer token."""
    pool = urllib3.PoolManager(ca_certs=str(settings.pki / "ca.crt"))
    headers = {"Authorization": f"Bearer {bearer}"}
    url = settings.kubernetes_url + path
    answer = (
        pool.request("POST", url, headers=headers, json=body) if body else pool.request("GET", url, headers=headers)
    )
    return answer.status


@pytest.fixture
def user(cloud: Settings) -> Iterator[tuple[str, tuple[str, str]]]:
    """An IAM user of its own: ARN and access key."""
    iam, name = aws(cloud, "iam"), f"user-{uuid.uuid4().hex[:6]}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield arn, (key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def test_the_control_plane_is_ready(cloud: Settings) -> None:
    for name in ("etcd", "apiserver", "controller-manager", "scheduler", "kwok", "aws"):
        eventually(lambda name=name: health.ask(name, None, cloud) is None)


def test_nobody_gets_in_without_a_name(cloud: Settings) -> None:
    pool = urllib3.PoolManager(ca_certs=str(cloud.pki / "ca.crt"))
    assert pool.request("GET", f"{cloud.kubernetes_url}/api/v1/nodes").status == 403
    assert status_of(cloud, "k8s-aws-v1.bm90IGEgdG9rZW4", "/api/v1/nodes") == 401


def test_the_creator_of_a_cluster_is_its_administrator_through_a_real_token(cloud: Settings, cluster: Cluster) -> None:
    bearer = token(cloud, cluster.name)
    assert status_of(cloud, bearer, "/api/v1/nodes") == 200
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": cluster.name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    }
    assert status_of(cloud, bearer, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding) == 201
    rbac: Any = client.RbacAuthorizationV1Api(connect(cloud))
    rbac.delete_cluster_role_binding(cluster.name)


def test_an_access_entry_opens_the_api_and_its_removal_closes_it(
    cloud: Settings, cluster: Cluster, user: tuple[str, tuple[str, str]]
) -> None:
    arn, key = user
    bearer = token(cloud, cluster.name, key)
    assert status_of(cloud, bearer, "/api/v1/nodes") == 401
    cluster.eks.create_access_entry(clusterName=cluster.name, principalArn=arn)
    cluster.eks.associate_access_policy(
        clusterName=cluster.name,
        principalArn=arn,
        policyArn=POLICY.format("AmazonEKSClusterAdminPolicy"),
        accessScope={"type": "cluster"},
    )
    eventually(lambda: status_of(cloud, bearer, "/api/v1/nodes") == 200)
    cluster.eks.delete_access_entry(clusterName=cluster.name, principalArn=arn)
    eventually(lambda: status_of(cloud, bearer, "/api/v1/nodes") == 401)


@pytest.mark.parametrize(
    ("policy", "may"),
    [
        ("AmazonEKSViewPolicy", {"read pods"}),
        ("AmazonEKSEditPolicy", {"read pods", "make pods", "read secrets"}),
        ("AmazonEKSAdminPolicy", {"read pods", "make pods", "read secrets", "make roles"}),
        ("AmazonEKSAdminViewPolicy", {"read pods", "read secrets", "read nodes"}),
        ("AmazonEKSClusterAdminPolicy", {"read pods", "make pods", "read secrets", "make roles", "read nodes"}),
    ],
)
def test_an_access_policy_allows_what_its_name_says(
    cloud: Settings, cluster: Cluster, user: tuple[str, tuple[str, str]], namespace: str, policy: str, may: set[str]
) -> None:
    arn, key = user
    cluster.eks.create_access_entry(clusterName=cluster.name, principalArn=arn)
    cluster.eks.associate_access_policy(
        clusterName=cluster.name, principalArn=arn, policyArn=POLICY.format(policy), accessScope={"type": "cluster"}
    )
    bearer = token(cloud, cluster.name, key)
    within, rbac = f"/api/v1/namespaces/{namespace}", "/apis/rbac.authorization.k8s.io/v1"
    calls: dict[str, tuple[str, dict[str, Any] | None]] = {
        "read pods": (f"{within}/pods", None),
        "make pods": (
            f"{within}/pods?dryRun=All",
            {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "x", "image": "x"}]}},
        ),
        "read secrets": (f"{within}/secrets", None),
        "make roles": (f"{rbac}/namespaces/{namespace}/roles?dryRun=All", {"metadata": {"name": "x"}, "rules": []}),
        "read nodes": ("/api/v1/nodes", None),
    }
    answers = {what: status_of(cloud, bearer, *call) for what, call in calls.items()}
    assert set(answers.values()) <= {200, 201, 403}
    assert {what for what, status in answers.items() if status < 300} == may


def test_a_node_agent_may_play_kubelet_and_nothing_more(cloud: Settings) -> None:
    agent = connect(cloud, "node-agent")
    core: Any = client.CoreV1Api(agent)
    assert core.list_node().items is not None
    rbac: Any = client.RbacAuthorizationV1Api(agent)
    with pytest.raises(ApiException) as refused:
        rbac.list_cluster_role_binding()
    assert refused.value.status == 403
    with pytest.raises(ApiException) as refused:
        core.create_namespace({"metadata": {"name": "mine"}})
    assert refused.value.status == 403


def test_a_restricted_namespace_refuses_a_privileged_pod(core: Any, namespace: str) -> None:
    core.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    pod = {
        "metadata": {"name": "bad"},
        "spec": {"containers": [{"name": "c", "image": "x", "securityContext": {"privileged": True}}]},
    }

    def refusal() -> str:
        """The API server learns of a new label of a namespace a moment later."""
        try:
            core.create_namespaced_pod(namespace, pod, dry_run="All")
        except ApiException as refused:
            return json.loads(refused.body or "{}")["message"]
        return ""

    eventually(lambda: "violates PodSecurity" in refusal())


def test_the_access_rules_are_only_those_of_the_sandbox(cloud: Settings) -> None:
    """What a user sees in a fresh cluster besides Kubernetes' own rules."""
    rbac: Any = client.RbacAuthorizationV1Api(connect(cloud))
    names = {binding.metadata.name for binding in rbac.list_cluster_role_binding().items}
    own = {name for name in names if not name.startswith(("system:", "cluster-admin"))}
    assert own == {"eks:admin", "eks:edit", "eks:view", "eks:admin-view", "sandbox:node-agents"}


def test_the_rules_can_be_applied_again(cloud: Settings) -> None:
    from sandbox.kubernetes import bootstrap

    rbac: Any = client.RbacAuthorizationV1Api(connect(cloud))
    version: Callable[[], str] = lambda: rbac.read_cluster_role("sandbox:node-agents").metadata.resource_version  # noqa: E731
    before = version()
    bootstrap.apply(cloud)
    assert version() == before
