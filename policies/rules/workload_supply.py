"""Workloads: where images come from, what is asked for, under which name and account a pod runs."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from .model import Parameters, Resource, View, Violation, any_of, each, independently, resource_rule
from .pods import PODS, containers, name, spec

SERVICE = "kubernetes:core/v1:Service"
ACCOUNT = "kubernetes:core/v1:ServiceAccount"


@resource_rule(
    id="k8s-image-pinned",
    title="Images are named exactly",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="name a version and its digest: registry/name:version@sha256:...",
    references=["CKV_K8S_14", "CKV_K8S_43", "NIST 800-53 CM-2"],
    parameters={"require-digest": True},
)
def image_pinned(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """A tag that moves makes two nodes of one job run different programs."""

    def one(container: View) -> Iterator[Violation]:
        image = str(container.get("image", ""))
        path, _, digest = image.partition("@")
        tag = path.rpartition("/")[2].partition(":")[2]
        if not digest and tag in ("", "latest"):
            yield Violation(f"{name(container)} has no fixed tag.", check="CKV_K8S_14")
        if given["require-digest"] and not digest:
            yield Violation(f"{name(container)} has no digest.", check="CKV_K8S_43")

    yield from each(containers(workload), one)


def ecr(account: str) -> tuple[str, ...]:
    """The hosts of an account's registries in every region."""
    return (
        f"{account}.dkr.ecr.*.amazonaws.com",
        f"{account}.dkr.ecr.*.amazonaws.com.cn",
        f"{account}.dkr-ecr.*.on.aws",
    )


ANY_ACCOUNT = "[0-9]" * 12
DEEP_LEARNING = "763104351884"
"""The account of AWS Deep Learning Containers in most regions (AWS: available images)."""
SHARED = (
    "public.ecr.aws",
    "nvcr.io",
    "registry.k8s.io",
    "quay.io",
    "ghcr.io",
    "gke.gcr.io",
    "*-docker.pkg.dev/cloud-tpu-images/*",
    "*-docker.pkg.dev/gce-ai-infra/*",
)
"""Registries, or a registry with the beginning of a path where everybody's images are under one name."""
REGISTRIES = (*ecr(ANY_ACCOUNT), *SHARED)


@resource_rule(
    id="k8s-image-registry-allowlist",
    title="Images come from registries that are trusted",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="push the image into your own registry, or add its registry to the parameter registries.",
    references=["CIS EKS 5.1.4", "NIST 800-53 CM-11"],
    parameters={"registries": REGISTRIES},
)
def registry_allowlist(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """Anyone can push to a public registry under a name that looks right."""

    def one(container: View) -> Iterator[Violation]:
        first, slash, _ = str(container.get("image", "")).partition("/")
        registry = first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
        path = str(container.get("image", "")).removeprefix(f"{registry}/")
        if not any(_trusted(registry, path, str(pattern)) for pattern in given["registries"]):
            yield Violation(f"{name(container)} comes from {registry}.")

    yield from each(containers(workload), one)


def _trusted(registry: str, path: str, pattern: str) -> bool:
    """Host is held against host and path against path: a `*` of one must not reach into the other."""
    host, _, below = pattern.partition("/")
    return fnmatchcase(registry, host) and (not below or fnmatchcase(path, below))


@resource_rule(
    id="k8s-requests-limits",
    title="Containers say what they need",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="set requests for cpu and memory and a limit for memory. A limit for cpu is not asked for.",
    references=["CKV_K8S_10", "CKV_K8S_12", "CKV_K8S_13", "NIST 800-53 SC-6"],
)
def requests_limits(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """A container without requests goes first when memory is short, and takes others along without a limit."""
    needs = (
        ("requests", "cpu", "CKV_K8S_10"),
        ("requests", "memory", "CKV_K8S_12"),
        ("limits", "memory", "CKV_K8S_13"),
    )

    def one(container: View) -> Iterator[Violation]:
        yield from each(needs, lambda need: asked(container, *need))

    def asked(container: View, kind: str, what: str, check: str) -> Iterator[Violation]:
        if container.entries(f"resources.{kind}").get(what) is None:
            yield Violation(f"{name(container)} has no {what} in {kind}.", check=check)

    yield from each(containers(workload), one)


@resource_rule(
    id="k8s-service-account",
    title="Pods have an account of their own, and its token only where needed",
    severity="low",
    level="advisory",
    types=[*PODS, ACCOUNT],
    fix="set serviceAccountName, and automountServiceAccountToken to false.",
    references=["CKV_K8S_38", "CKV_K8S_41", "CIS EKS 4.1.5", "CIS EKS 4.1.6", "NIST 800-53 AC-6"],
)
def service_account(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """The token in every pod is the first thing an intruder reads."""
    if workload.type == ACCOUNT:
        default = workload.get("metadata.name", "default") == "default"
        if default and not workload.denies("automountServiceAccountToken"):
            yield Violation("the default account mounts its token.", check="CKV_K8S_41")
        return
    pod = spec(workload)
    if not pod.denies("automountServiceAccountToken"):
        yield Violation("the account's token is mounted.", check="CKV_K8S_38")
    account = pod.get("serviceAccountName") or pod.get("serviceAccount") or "default"
    if account == "default" and not pod.denies("automountServiceAccountToken"):
        yield Violation("it runs under the default account.", check="account")


NAMESPACED = (
    SERVICE,
    ACCOUNT,
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
)


@resource_rule(
    id="k8s-no-default-namespace",
    title="Nothing lives in the default namespace",
    severity="low",
    level="advisory",
    types=[*PODS, *NAMESPACED],
    fix="set metadata.namespace to a namespace of its own.",
    references=["CKV_K8S_21", "CIS EKS 4.5.2", "NIST 800-53 AC-4"],
)
def no_default_namespace(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """Quotas, network policies and rights hang on namespaces."""
    namespace = workload.get("metadata.namespace")
    if namespace is None and workload.provider is not None:
        namespace = workload.provider.get("namespace")
    if namespace in (None, "", "default"):
        yield Violation("metadata.namespace is not set or is default.")


@resource_rule(
    id="k8s-secrets-not-in-env",
    title="Secrets are not environment variables",
    severity="low",
    level="advisory",
    types=[*PODS],
    fix="mount the secret as a file.",
    references=["CKV_K8S_35", "CIS EKS 4.4.1", "NIST 800-53 IA-5"],
)
def secrets_not_in_env(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """The environment is in every crash report, and in every child process."""

    def one(container: View) -> Iterator[Violation]:
        entries = independently(container.views("env"), container.views("envFrom"))
        if any_of(entries, _secret):
            yield Violation(f"{name(container)} gets a secret as a variable.")

    yield from each(containers(workload), one)


def _secret(entry: View) -> bool:
    if not entry.has("valueFrom"):
        return entry.has("secretRef")
    return "secretKeyRef" in entry.entries("valueFrom")
