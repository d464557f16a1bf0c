"""Examples for the rules about clusters, nodes, file systems and what runs on them."""

from __future__ import annotations

from typing import Any

from policies.examples.aws import (
    CLUSTER,
    EGRESS,
    GROUP,
    INGRESS,
    NODES,
    P5EN,
    SUBNET,
    TEMPLATE,
    VPC,
    efa,
    interface,
    nodes,
    self_rule,
)
from policies.examples.model import Example, Thing, one

LUSTRE = "aws:fsx/lustreFileSystem:LustreFileSystem"
ADDON, POD = "aws:eks/addon:Addon", "kubernetes:core/v1:Pod"
LINK = "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation"
RESERVATION, PLACEMENT = "aws:ec2/capacityReservation:CapacityReservation", "aws:ec2/placementGroup:PlacementGroup"
NAMESPACE = "kubernetes:core/v1:Namespace"
P2 = {"deploymentType": "PERSISTENT_2", "perUnitStorageThroughput": 125, "storageCapacity": 1200}
GPU = {"instanceType": "p5en.48xlarge"}
ADDONS = ("vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "eks-node-monitoring-agent")
SAFE = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 20000, "capabilities": {"drop": ["ALL"]}}
NEEDS = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}


def pod(spec: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    one_container = {
        "name": "c",
        "image": "nvcr.io/x:1@sha256:0",
        "securityContext": SAFE,
        "resources": NEEDS,
        **container,
    }
    return {"metadata": {"namespace": "n"}, "spec": {"containers": [one_container], **(spec or {})}}


def asks(limits: dict[str, Any], requests: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"resources": {"limits": limits, "requests": requests or {}}}


def pods(bad: dict[str, Any], good: dict[str, Any], check: str = "", **parameters: Any) -> Example:
    return one(POD, bad, good, check, **parameters)


def role(**rule: Any) -> dict[str, Any]:
    return {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}]}


def placed(template: dict[str, Any], *zones: str) -> list[Thing]:
    found = nodes(template)
    subnets = [Thing(SUBNET, zone, {"availabilityZone": zone}) for zone in zones]
    group = Thing(NODES, "nodes", found[1].inputs, {"launchTemplate": ["template"], "subnetIds": list(zones)})
    return [*subnets, found[0], group]


def many(count: int, **more: Any) -> list[Thing]:
    return nodes(GPU, **{"scalingConfig": {"minSize": 0, "maxSize": count}, **more})


def reserved(count: int) -> list[Thing]:
    template = Thing(TEMPLATE, "template", GPU, {"capacityReservationSpecification": ["reservation"]})
    reservation = Thing(RESERVATION, "reservation", {"instanceType": "p5en.48xlarge", "instanceCount": 2})
    group = Thing(NODES, "nodes", {"scalingConfig": {"maxSize": count}}, {"launchTemplate": ["template"]})
    return [reservation, template, group]


def fsx_zone(zone: str) -> list[Thing]:
    return [
        *placed(GPU, "a"),
        Thing(SUBNET, "mine", {"availabilityZone": zone}),
        Thing(LUSTRE, "fs", P2, {"subnetIds": ["mine"]}),
    ]


def efa_fs(target: str) -> list[Thing]:
    inputs = {**P2, "efaEnabled": True, "metadataConfiguration": {"mode": "AUTOMATIC"}}
    return [
        Thing(GROUP, "group"),
        Thing(GROUP, "other"),
        self_rule(INGRESS, "in"),
        self_rule(EGRESS, "out", target),
        Thing(LUSTRE, "fs", inputs, {"securityGroupIds": ["group"]}),
    ]


def links(*paths: str) -> list[Thing]:
    made = [Thing(LINK, f"link{n}", {"fileSystemPath": path}, {"fileSystemId": ["fs"]}) for n, path in enumerate(paths)]
    return [Thing(LUSTRE, "fs", P2), *made]


ENDPOINT = Thing(
    "aws:ec2/vpcEndpoint:VpcEndpoint", "s3", {"serviceName": "com.amazonaws.us-east-1.s3"}, {"vpcId": ["vpc"]}
)
IN_VPC = [
    Thing(VPC, "vpc"),
    Thing(SUBNET, "subnet", {"availabilityZone": "a"}, {"vpcId": ["vpc"]}),
    Thing(TEMPLATE, "template", GPU),
    Thing(NODES, "nodes", {}, {"launchTemplate": ["template"], "subnetIds": ["subnet"]}),
]
JOB = "kubernetes:batch/v1:Job"
GPU_POD = pod({"nodeSelector": {"a": "b"}, "tolerations": [{"operator": "Exists"}]}, **asks({"nvidia.com/gpu": 1}))
SHM = {
    "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
}
MOUNT = {"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]}  # noqa: S108 - a mount in a container
EFA_ASK = {"vpc.amazonaws.com/efa": 4, "memory": "1Gi", "hugepages-2Mi": "5120Mi"}
DENY_ALL = Thing(
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "p",
    {"metadata": {"namespace": "it"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
)
POOL = {"spec": {"limits": {"cpu": 100, "nvidia.com/gpu": 8}, "disruption": {"budgets": [{"nodes": "1"}]}}}
QUOTA = Thing(
    "kubernetes:core/v1:ResourceQuota",
    "q",
    {"metadata": {"namespace": "n"}, "spec": {"hard": {"requests.nvidia.com/gpu": 8}}},
)
BUDGET = Thing(
    "aws:budgets/budget:Budget",
    "budget",
    {"budgetType": "COST", "limitAmount": "1000", "notifications": [{"threshold": 80}]},
)
PLUGIN = Thing("kubernetes:apps/v1:DaemonSet", "plugin", {"metadata": {"name": "nvidia-device-plugin"}})
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

CLUSTERS: dict[str, Example] = {
    "vpc-s3-gateway-endpoint": Example(IN_VPC, [*IN_VPC, ENDPOINT]),
    "eks-version-supported": one(CLUSTER, {"version": "1.20"}, {"version": "1.99"}, "CKV_AWS_339"),
    "eks-auth-mode-api": one(CLUSTER, {}, {"accessConfig": {"authenticationMode": "API"}}),
    "eks-no-creator-admin": one(CLUSTER, {}, {"accessConfig": {"bootstrapClusterCreatorAdminPermissions": False}}),
    "eks-access-cluster-admin-allowlist": one(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        {"policyArn": ADMIN, "principalArn": "arn:x", "accessScope": {"type": "cluster"}},
        {"policyArn": ADMIN, "principalArn": "arn:me", "accessScope": {"type": "cluster"}},
        principals=["arn:me"],
    ),
    "eks-deletion-protection": one(CLUSTER, {}, {"deletionProtection": True}),
    "eks-standard-support": one(CLUSTER, {}, {"upgradePolicy": {"supportType": "STANDARD"}}),
    "eks-control-plane-tier": Example(
        [Thing(CLUSTER), Thing(NODES, "n", {"scalingConfig": {"maxSize": 2000}}, {"clusterName": ["it"]})],
        [Thing(CLUSTER), Thing(NODES, "n", {"scalingConfig": {"maxSize": 20}}, {"clusterName": ["it"]})],
    ),
    "nodegroup-no-open-ssh": one(
        NODES,
        {"remoteAccess": {"ec2SshKey": "k"}},
        {"remoteAccess": {"ec2SshKey": "k", "sourceSecurityGroupIds": ["sg"]}},
    ),
    "nodegroup-private-subnets": Example(
        [Thing(SUBNET, "s", {"mapPublicIpOnLaunch": True}), Thing(NODES, "n", {}, {"subnetIds": ["s"]})],
        [Thing(SUBNET, "s", {"mapPublicIpOnLaunch": False}), Thing(NODES, "n", {}, {"subnetIds": ["s"]})],
    ),
    "nodegroup-launch-template-conflicts": one(
        NODES, {"launchTemplate": {"id": "lt"}, "diskSize": 20}, {"launchTemplate": {"id": "lt"}}, "diskSize"
    ),
    "nodegroup-auto-repair": Example(nodes(GPU), nodes(GPU, nodeRepairConfig={"enabled": True})),
    "eks-addon-version-pinned": one(ADDON, {}, {"addonVersion": "v1"}),
    "eks-required-addons": Example(
        [Thing(CLUSTER)],
        [Thing(CLUSTER), *(Thing(ADDON, name, {"addonName": name}, {"clusterName": ["it"]}) for name in ADDONS)],
    ),
    "eks-network-policy-enabled": one(
        ADDON,
        {"addonName": "vpc-cni"},
        {"addonName": "vpc-cni", "configurationValues": '{"enableNetworkPolicy": "true"}'},
    ),
    "fsx-encrypted-cmk": one(LUSTRE, P2, {**P2, "kmsKeyId": "k"}, "CKV_AWS_190"),
    "fsx-lustre-option-combination": one(
        LUSTRE, {**P2, "perUnitStorageThroughput": 200}, P2, "perUnitStorageThroughput"
    ),
    "fsx-lustre-capacity-step": one(
        LUSTRE, {**P2, "efaEnabled": True}, {**P2, "efaEnabled": True, "storageCapacity": 38400}
    ),
    "fsx-lustre-backup-rules": one(
        LUSTRE,
        {**P2, "dailyAutomaticBackupStartTime": "03:00"},
        {**P2, "dailyAutomaticBackupStartTime": "03:00", "automaticBackupRetentionDays": 7},
        "dailyAutomaticBackupStartTime",
    ),
    "fsx-log-enabled": one(LUSTRE, P2, {**P2, "logConfiguration": {"level": "WARN_ERROR"}}),
    "fsx-no-scratch-for-checkpoints": one(
        LUSTRE,
        {"deploymentType": "SCRATCH_2", "tags": {"data-class": "checkpoint"}},
        {"deploymentType": "SCRATCH_2", "tags": {"data-class": "scratch"}},
    ),
    "fsx-lustre-efa-prerequisites": Example(efa_fs("other"), efa_fs("group"), "securityGroupIds"),
    "fsx-dra-limits": Example(links("/a", "/a/b"), links("/a", "/b"), "fileSystemPath"),
    "fsx-throughput-per-node": Example([*many(16), Thing(LUSTRE, "fs", P2)], [*many(0), Thing(LUSTRE, "fs", P2)]),
    "fsx-same-az-as-nodes": Example(fsx_zone("elsewhere"), fsx_zone("a")),
    "efa-no-public-ip": one(
        TEMPLATE,
        efa("p5en.48xlarge", interface(0, 0, associatePublicIpAddress="true"), interface(1, 0)),
        efa("p5en.48xlarge", interface(0, 0), interface(1, 0)),
    ),
    "efa-single-az": Example(placed(efa("p5en.48xlarge", *P5EN), "a", "b"), placed(efa("p5en.48xlarge", *P5EN), "a")),
    "placement-group-for-efa": one(
        TEMPLATE, efa("p5en.48xlarge", *P5EN), {**efa("p5en.48xlarge", *P5EN), "placement": {"groupName": "g"}}
    ),
    "placement-group-options": one(
        PLACEMENT, {"strategy": "cluster", "partitionCount": 3}, {"strategy": "cluster"}, "partitionCount"
    ),
    "capacity-reservation-match": Example(reserved(3), reserved(2), "instanceCount"),
    "capacity-reservation-bounded": one(
        RESERVATION,
        {"instanceType": "p5.48xlarge", "instanceMatchCriteria": "open"},
        {"instanceType": "p5.48xlarge", "instanceMatchCriteria": "targeted"},
        "instanceMatchCriteria",
    ),
    "no-spot-for-training": one(
        NODES,
        {"capacityType": "SPOT", "labels": {"workload": "training"}},
        {"capacityType": "SPOT", "labels": {"workload": "inference"}},
    ),
    "gpu-device-plugin-present": Example(many(1), [*many(1), PLUGIN], "nvidia"),
    "accelerator-count-cap": Example(many(200), many(2)),
    "gpu-scale-to-zero-nonprod": Example(
        many(2, scalingConfig={"minSize": 1}), many(2, scalingConfig={"minSize": 0}), parameters={"protected": False}
    ),
    "karpenter-nodepool-limits": one("kubernetes:karpenter.sh/v1:NodePool", {"spec": {}}, POOL, "cpu"),
    "k8s-no-privileged": pods(pod(securityContext={"privileged": True}), pod()),
    "k8s-no-host-namespaces": pods(pod({"hostNetwork": True}), pod(), "CKV_K8S_19"),
    "k8s-no-privilege-escalation": pods(pod(securityContext={}), pod()),
    "k8s-non-root": pods(pod(securityContext={"runAsUser": 0}), pod(), "CKV_K8S_23"),
    "k8s-capabilities": pods(pod(securityContext={}), pod(), "CKV_K8S_37"),
    "k8s-no-hostpath": pods(pod({"volumes": [{"hostPath": {"path": "/var"}}]}), pod(), "hostPath"),
    "k8s-seccomp": pods(pod(), pod({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}})),
    "k8s-image-pinned": pods(pod(image="nvcr.io/x"), pod(), "CKV_K8S_14"),
    "k8s-image-registry-allowlist": pods(pod(image="busybox:1"), pod()),
    "k8s-requests-limits": pods(pod(resources={}), pod(), "CKV_K8S_10"),
    "k8s-service-account": pods(
        pod(), pod({"automountServiceAccountToken": False, "serviceAccountName": "a"}), "CKV_K8S_38"
    ),
    "k8s-no-default-namespace": pods({**pod(), "metadata": {"namespace": "default"}}, pod()),
    "k8s-secrets-not-in-env": pods(pod(env=[{"name": "T", "valueFrom": {"secretKeyRef": {"name": "s"}}}]), pod()),
    "k8s-rbac-least-privilege": one(
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", role(verbs=["*"]), role(), "CKV_K8S_49"
    ),
    "k8s-networkpolicy-per-namespace": Example([Thing(NAMESPACE)], [Thing(NAMESPACE), DENY_ALL]),
    "gpu-limits-well-formed": pods(pod(**asks({}, {"nvidia.com/gpu": 1})), GPU_POD, "limits"),
    "gpu-per-pod-cap": pods(pod(**asks({"nvidia.com/gpu": 32})), GPU_POD),
    "gpu-pod-placement": pods(pod(**asks({"nvidia.com/gpu": 1})), GPU_POD, "toleration"),
    "gpu-pod-cpu-memory": pods(
        pod(**asks({"nvidia.com/gpu": 1})),
        pod(**asks({"nvidia.com/gpu": 1, "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"})),
        "memory",
    ),
    "gpu-pod-shared-memory": pods(pod(**asks({"nvidia.com/gpu": 8})), pod(SHM, **asks({"nvidia.com/gpu": 8}), **MOUNT)),
    "efa-pod-hugepages": pods(
        pod(**asks({"vpc.amazonaws.com/efa": 4, "memory": "1Gi"})), pod(**asks(EFA_ASK)), "hugepages"
    ),
    "hugepages-well-formed": pods(
        pod(**asks({"hugepages-2Mi": "10Mi", "memory": "1Gi"}, {"hugepages-2Mi": "4Mi"})), pod(**asks(EFA_ASK)), "equal"
    ),
    "gpu-job-bounded": one(
        JOB,
        {"spec": {"template": GPU_POD}},
        {"spec": {"template": GPU_POD, "activeDeadlineSeconds": 1, "ttlSecondsAfterFinished": 1, "backoffLimit": 1}},
        "activeDeadlineSeconds",
    ),
    "gpu-queue-and-priority": pods(
        GPU_POD,
        {
            **pod({"priorityClassName": "p"}, **asks({"nvidia.com/gpu": 1})),
            "metadata": {"labels": {"kueue.x-k8s.io/queue-name": "q"}},
        },
        "queue",
    ),
    "gpu-namespace-quota": Example(
        [Thing(NAMESPACE, "ns", {"metadata": {"name": "n"}}), Thing(POD, "p", GPU_POD)],
        [Thing(NAMESPACE, "ns", {"metadata": {"name": "n"}}), Thing(POD, "p", GPU_POD), QUOTA],
    ),
    "mig-profile-allowed": pods(
        pod(**asks({"nvidia.com/mig-9g.999gb": 1})), pod(**asks({"nvidia.com/mig-1g.10gb": 1}))
    ),
    "budget-exists-and-bounded": Example(many(1), [*many(1), BUDGET], "exists"),
    "cost-estimate-within-budget": Example(
        many(1),
        many(1),
        "monthly",
        {"monthly-usd": 1000, "max-monthly-usd": 500},
        {"monthly-usd": 400, "max-monthly-usd": 500},
    ),
    "power-within-budget": Example(
        many(1), many(1), parameters={"kw": 50, "max-kw": 40}, fine={"kw": 30, "max-kw": 40}
    ),
    "carbon-region-threshold": Example(
        [Thing(NODES, inputs={"tags": {"deferrable": "true"}})],
        [Thing(NODES, inputs={"tags": {}})],
        parameters={"g-per-kwh": 400},
    ),
}
