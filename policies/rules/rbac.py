"""Rights inside the cluster, and walls between its namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from .model import (
    Parameters,
    Resource,
    Stack,
    View,
    Violation,
    all_of,
    any_of,
    each,
    independently,
    relation_rule,
    resource_rule,
)

GROUP = "rbac.authorization.k8s.io"
ROLES = (f"kubernetes:{GROUP}/v1:Role", f"kubernetes:{GROUP}/v1:ClusterRole")
BINDINGS = (f"kubernetes:{GROUP}/v1:RoleBinding", f"kubernetes:{GROUP}/v1:ClusterRoleBinding")
NAMESPACE = "kubernetes:core/v1:Namespace"
NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
WRITES = ("create", "update", "patch", "delete", "deletecollection")


def _grants(rule: View, group: str, resources: Sequence[str], verbs: Sequence[str]) -> bool:
    def meets(path: str, wanted: Sequence[str]) -> bool:
        return any_of(rule.items(path), lambda entry: entry == "*" or entry in wanted)

    asked = (("apiGroups", [group]), ("resources", resources), ("verbs", verbs))
    return all_of(asked, lambda pair: meets(*pair))


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
        if resource.get("roleRef.name") == "cluster-admin" and not (
            resource.all("subjects")
            and all_of(resource.views("subjects"), lambda subject: str(subject.get("name")) in given["admins"])
        ):
            yield Violation("it binds cluster-admin.", check="cluster-admin")
        return
    yield from independently(each(resource.views("rules"), _rule), _approves(resource))


def _approves(role: Resource) -> Iterator[Violation]:
    group, requests = "certificates.k8s.io", ["certificatesigningrequests/approval"]
    approves = any_of(role.views("rules"), lambda rule: _grants(rule, group, requests, ["update", "patch"]))
    if approves and any_of(role.views("rules"), lambda rule: _grants(rule, group, ["signers"], ["approve"])):
        yield Violation("it may approve certificate requests.", check="CKV_K8S_156")


def _wildcard(rule: View, path: str) -> Iterator[Violation]:
    if any_of(rule.items(path), lambda entry: entry == "*"):
        yield Violation(f"{rule.where}.{path} is a wildcard.", check="CKV_K8S_49")


def _rule(rule: View) -> Iterator[Violation]:
    wildcards = each(("verbs", "resources", "apiGroups"), lambda path: _wildcard(rule, path))
    yield from independently(wildcards, _strong(rule))


HOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
RIGHTS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
STRONG = (
    ("admissionregistration.k8s.io", HOOKS, WRITES, "it may change admission webhooks.", "CKV_K8S_155"),
    (GROUP, RIGHTS, ("bind",), "it may bind any role.", "CKV_K8S_157"),
    (GROUP, RIGHTS[:2], ("escalate",), "it may give more rights than it has.", "CKV_K8S_158"),
)


def _strong(rule: View) -> Iterator[Violation]:
    yield from each(STRONG, lambda row: [Violation(row[3], check=row[4])] if _grants(rule, *row[:3]) else [])
    anybody = ("users", "groups", "serviceaccounts")
    if _grants(rule, "", anybody, ["impersonate"]) and "*" not in rule.known("verbs"):
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
