"""Type tokens: the old ones and those that took their place. Rules name the new ones only."""

from __future__ import annotations

from typing import Final

_V2 = (
    "bucket",
    "bucketAcl",
    "bucketCorsConfiguration",
    "bucketLifecycleConfiguration",
    "bucketLogging",
    "bucketObjectLockConfiguration",
    "bucketServerSideEncryptionConfiguration",
    "bucketVersioning",
    "bucketWebsiteConfiguration",
)
_BALANCERS = ("alb", "applicationloadbalancing", "elasticloadbalancingv2")
_RETIRED = {
    "apps/v1": ("apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"),
    "batch/v1": ("batch/v1beta1", "batch/v2alpha1"),
    "rbac.authorization.k8s.io/v1": ("rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1"),
    "networking.k8s.io/v1": ("networking.k8s.io/v1beta1", "extensions/v1beta1"),
    "karpenter.sh/v1": ("karpenter.sh/v1beta1",),
    "leaderworkerset.x-k8s.io/v1": ("leaderworkerset.x-k8s.io/v1alpha1",),
    "ray.io/v1": ("ray.io/v1alpha1",),
    "resource.k8s.io/v1": ("resource.k8s.io/v1beta1", "resource.k8s.io/v1beta2", "resource.k8s.io/v1alpha3"),
}
_KINDS = {
    "apps/v1": ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"),
    "batch/v1": ("Job", "CronJob"),
    "rbac.authorization.k8s.io/v1": ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
    "networking.k8s.io/v1": ("NetworkPolicy",),
    "karpenter.sh/v1": ("NodePool",),
    "leaderworkerset.x-k8s.io/v1": ("LeaderWorkerSet",),
    "ray.io/v1": ("RayCluster", "RayJob", "RayService"),
    "resource.k8s.io/v1": ("ResourceClaim", "ResourceClaimTemplate"),
}
ALIASES: Final[dict[str, str]] = {
    **{f"aws:s3/{name}V2:{name[0].upper()}{name[1:]}V2": f"aws:s3/{name}:{name[0].upper()}{name[1:]}" for name in _V2},
    **{
        f"aws:{module}/{name}:{name[0].upper()}{name[1:]}": f"aws:lb/{name}:{name[0].upper()}{name[1:]}"
        for module in _BALANCERS
        for name in ("listener", "loadBalancer")
    },
    **{
        f"kubernetes:{old}:{kind}": f"kubernetes:{new}:{kind}"
        for new, olds in _RETIRED.items()
        for old in olds
        for kind in _KINDS[new]
    },
    "aws:elasticsearch/domain:Domain": "aws:opensearch/domain:Domain",
    "kubernetes:helm.sh/v4:Chart": "kubernetes:helm.sh/v3:Release",
}


def is_patch(kind: str) -> bool:
    """Whether a type changes a part of a Kubernetes object that somebody else made."""
    return kind.startswith("kubernetes:") and kind.endswith("Patch")


def canonical(kind: str) -> str:
    """The token that rules know a type by; a patch is of the type that it patches."""
    kind = kind.removesuffix("Patch") if is_patch(kind) else kind
    return ALIASES.get(kind, kind)
