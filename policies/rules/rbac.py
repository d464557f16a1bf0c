"""Rights inside the cluster, and walls between its namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from .model import Parameters, Resource, Stack, View, Violation, independently, relation_rule, resource_rule

GROUP = "rbac.authorization.k8s.io"
ROLES = (f"kubernetes:{GROUP}/v1:Role", f"kubernetes:{GROUP}/v1:ClusterRole")
BINDINGS = (f"kubernetes:{GROUP}/v1:RoleBinding", f"kubernetes:{GROUP}/v1:ClusterRoleBinding")
NAMESPACE = "kubernetes:core/v1:Namespace"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
WRITES = ("create", "update", "patch", "delete", "deletecollection")


def _grants(rule: View, group: str, resources: Sequence[str], verbs: Sequence[str]) -> bool:
    def meets(path: str, wanted: Sequence[str]) -> bool:
        found = [str(entry) for entry in rule.known(path)]
        return "*" in found or any(entry in found for entry in wanted)

    return meets("apiGroups", [group]) and meets("resources", resources) and meets("verbs", verbs)


@resource_rule(
    id="k8s-rbac-least-privilege",
    title="Rights are named",
    severity="high",
    level="mandatory",
    types=[*ROLES, *BINDINGS],
    fix="name verbs and resources; leave bind, escalate, impersonate and cluster-admin to the platform.",
    references=[
        "CKV_K8S_49",
        "CKV_K8S_155",
        "CKV_K8S_156",
        "CKV_K8S_157",
        "CKV_K8S_158",
        "CIS EKS 4.1.1",
        "CIS EKS 4.1.3",
        "CIS EKS 4.1.8",
        "NIST 800-53 AC-6",
    ],
    parameters={"exempt": (), "admins": ()},
)
def least_privilege(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """Some rights are all rights: whoever may bind roles, approve certificates or change webhooks is administrator."""
    if any(fnmatchcase(str(resource.get("metadata.name", resource.name)), entry) for entry in given["exempt"]):
        return
    if resource.type in BINDINGS:
        subjects = [str(subject.get("name")) for subject in resource.views("subjects")]
        listed = bool(subjects) and all(subject in given["admins"] for subject in subjects)
        if resource.get("roleRef.name") == "cluster-admin" and not listed:
            yield Violation("it binds cluster-admin.", check="cluster-admin")
        return
    rules = list(resource.views("rules"))
    yield from independently(*map(_rule, rules))
    approves = any(
        _grants(rule, "certificates.k8s.io", ["certificatesigningrequests/approval"], ["update", "patch"])
        for rule in rules
    )
    signs = any(_grants(rule, "certificates.k8s.io", ["signers"], ["approve"]) for rule in rules)
    if approves and signs:
        yield Violation("it may approve certificate requests.", check="CKV_K8S_156")


def _rule(rule: View) -> Iterator[Violation]:
    for path in ("verbs", "resources", "apiGroups"):
        if "*" in rule.known(path):
            yield Violation(f"{rule.where}.{path} is a wildcard.", check="CKV_K8S_49")
    hooks = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
    if _grants(rule, "admissionregistration.k8s.io", hooks, WRITES):
        yield Violation("it may change admission webhooks.", check="CKV_K8S_155")
    roles = ["roles", "clusterroles", "rolebindings", "clusterrolebindings"]
    if _grants(rule, GROUP, roles, ["bind"]):
        yield Violation("it may bind any role.", check="CKV_K8S_157")
    if _grants(rule, GROUP, ["roles", "clusterroles"], ["escalate"]):
        yield Violation("it may give more rights than it has.", check="CKV_K8S_158")
    if _grants(rule, "", ["users", "groups", "serviceaccounts"], ["impersonate"]) and "*" not in rule.known("verbs"):
        yield Violation("it may act as anybody.", check="impersonate")


@relation_rule(
    id="k8s-networkpolicy-per-namespace",
    title="Namespaces are closed until opened",
    severity="medium",
    level="advisory",
    types=[NAMESPACE],
    fix="add a NetworkPolicy with an empty podSelector, policyTypes Ingress and no ingress rule.",
    references=["CIS EKS 4.3.2", "NIST 800-53 SC-7"],
    parameters={"exempt": ("kube-*",)},
)
def networkpolicy_per_namespace(namespace: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """One broken pod can otherwise speak to every other."""
    name = namespace.get("metadata.name", namespace.name)
    if any(fnmatchcase(str(name), pattern) for pattern in given["exempt"]):
        return
    for policy in stack.of(NETWORK_POLICY):
        if (
            (namespace in policy.referred("metadata", NAMESPACE) or policy.get("metadata.namespace") == name)
            and not policy.get("spec.podSelector")
            and not policy.all("spec.ingress")
        ) and "Ingress" in (policy.known("spec.policyTypes") or ["Ingress"]):
            return
    yield Violation("no policy denies ingress by default.")
