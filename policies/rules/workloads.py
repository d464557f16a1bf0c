"""Workloads: what a pod may do to its node and to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .model import UNKNOWN, Parameters, Resource, View, Violation, all_of, any_of, each, independently, resource_rule
from .pods import DRIVERS, PODS, containers, exempt, metadata, name, spec


@resource_rule(
    id="k8s-no-privileged",
    title="Containers do not own their node",
    severity="critical",
    level="mandatory",
    types=[*PODS],
    fix="remove securityContext.privileged; ask for the devices as resources.",
    references=["CKV_K8S_16", "CIS EKS 4.2.1", "NIST 800-53 AC-6"],
    parameters={"exempt": DRIVERS},
)
def no_privileged(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """A privileged container is root on the node, and on every job beside it."""

    def one(container: View) -> Iterator[Violation]:
        if container.says("securityContext.privileged"):
            yield Violation(f"{name(container)} is privileged.")

    if not exempt(workload, given["exempt"]):
        yield from each(containers(workload), one)


@resource_rule(
    id="k8s-no-host-namespaces",
    title="Pods stay in their own namespaces",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="remove hostPID, hostIPC and hostNetwork; RDMA needs none of them with the EFA plugin.",
    references=["CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19", "CIS EKS 4.2.2", "CIS EKS 4.2.3", "CIS EKS 4.2.4"],
    parameters={"exempt": DRIVERS},
)
def no_host_namespaces(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """A pod in the node's namespaces sees the processes, memory and traffic of all others."""
    checks = {"hostPID": "CKV_K8S_17", "hostIPC": "CKV_K8S_18", "hostNetwork": "CKV_K8S_19"}
    if exempt(workload, given["exempt"]):
        return

    def one(path: str, check: str) -> Iterator[Violation]:
        if spec(workload).says(path):
            yield Violation(f"{path} is true.", check=check)

    yield from independently(*(one(path, check) for path, check in checks.items()))


def _no_escalation(workload: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    for container in containers(workload):
        if not container.denies("securityContext.allowPrivilegeEscalation"):
            yield f"{container.where}.securityContext.allowPrivilegeEscalation", False


@resource_rule(
    id="k8s-no-privilege-escalation",
    title="No process gains rights",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="set securityContext.allowPrivilegeEscalation to false on every container.",
    references=["CKV_K8S_20", "CIS EKS 4.2.5", "NIST 800-53 AC-6"],
    remedy=_no_escalation,
)
def no_privilege_escalation(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """A setuid program in the image makes root of anybody."""

    def one(container: View) -> Iterator[Violation]:
        if not container.denies("securityContext.allowPrivilegeEscalation"):
            yield Violation(f"{name(container)} does not refuse privilege escalation.")

    yield from each(containers(workload), one)


@resource_rule(
    id="k8s-non-root",
    title="Containers do not run as root",
    severity="medium",
    level="advisory",
    types=[*PODS],
    fix="set runAsNonRoot to true and runAsUser to 10000 or more.",
    references=["CKV_K8S_23", "CKV_K8S_40", "CIS EKS 4.2.6", "NIST 800-53 AC-6"],
    parameters={"min-uid": 10000},
)
def non_root(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """Root in a container is root on the node if it gets out; a low number is a user of the node."""
    pod = spec(workload)

    def inherited(container: View, path: str) -> Any:
        own = container.get(f"securityContext.{path}")
        return own if own is not None else pod.get(f"securityContext.{path}")

    def one(container: View) -> Iterator[Violation]:
        yield from independently(root(container), low(container))

    def root(container: View) -> Iterator[Violation]:
        if inherited(container, "runAsNonRoot") is not True:
            user = inherited(container, "runAsUser")
            if not user or float(user) <= 0:
                yield Violation(f"{name(container)} may run as root.", check="CKV_K8S_23")

    def low(container: View) -> Iterator[Violation]:
        user = inherited(container, "runAsUser")
        if (user is None or float(user) < given["min-uid"]) and not pod.denies("hostUsers"):
            said = "(of the image)" if user is None else user
            yield Violation(f"{name(container)} runs as user {said}.", check="CKV_K8S_40")

    yield from each(containers(workload), one)


@resource_rule(
    id="k8s-capabilities",
    title="Containers drop what root can do",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="set securityContext.capabilities.drop to [ALL]; add nothing but what allow-add lists.",
    references=["CKV_K8S_25", "CKV_K8S_28", "CKV_K8S_37", "CKV_K8S_39", "CIS EKS 4.2.7", "CIS EKS 4.2.8"],
    parameters={"allow-add": ("IPC_LOCK",), "exempt": DRIVERS},
)
def capabilities(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """NET_RAW forges packets, SYS_ADMIN mounts the node's disks. The EFA plugin makes IPC_LOCK unnecessary."""
    if exempt(workload, given["exempt"]):
        return

    def one(container: View) -> Iterator[Violation]:
        yield from independently(dropped(container), added(container))

    def dropped(container: View) -> Iterator[Violation]:
        path = "securityContext.capabilities.drop"
        if any_of(container.items(path), lambda entry: str(entry).upper() == "ALL"):
            return
        without = {str(entry).upper() for entry in container.known(path)}
        yield Violation(f"{name(container)} does not drop ALL.", check="CKV_K8S_37")
        if "NET_RAW" not in without:
            yield Violation(f"{name(container)} does not drop NET_RAW.", check="CKV_K8S_28")

    def added(container: View) -> Iterator[Violation]:
        path = "securityContext.capabilities.add"
        known = {str(entry).upper() for entry in container.all(path) if entry is not UNKNOWN}
        if strange := sorted(known - {str(entry) for entry in given["allow-add"]}):
            yield Violation(f"{name(container)} adds {', '.join(strange)}.", check="CKV_K8S_25")
        if known & {"SYS_ADMIN", "ALL"}:
            yield Violation(f"{name(container)} adds SYS_ADMIN.", check="CKV_K8S_39")
        container.known(path)

    yield from each(containers(workload), one)


LIBRARIES = ("/home/kubernetes/bin/gib", "/home/kubernetes/bin/nvidia", "/home/kubernetes/bin/nvidia/*")
"""Folders of a GKE node that its GPU pods mount for RDMA (Google: GPUDirect guides)."""


@resource_rule(
    id="k8s-no-hostpath",
    title="Pods do not mount the node's disk",
    severity="high",
    level="mandatory",
    types=[*PODS],
    fix="use a volume claim, an emptyDir or a config map.",
    references=["CKV_K8S_27", "CIS EKS 4.2.9", "NIST 800-53 AC-6"],
    parameters={"exempt": DRIVERS, "read-only": LIBRARIES},
)
def no_hostpath(workload: Resource, given: Parameters) -> Iterator[Violation]:
    """The node's disk holds the keys of all pods; the container runtime's socket is the node itself."""

    def one(volume: View) -> Iterator[Violation]:
        if not volume.has("hostPath"):
            return
        path = str(volume.get("hostPath.path", ""))
        if path.endswith(("docker.sock", "containerd.sock", "crio.sock")):
            yield Violation(f"{path} is mounted.", check="CKV_K8S_27")
        elif not exempt(workload, given["exempt"]) and not _library(workload, volume, given["read-only"]):
            yield Violation(f"{path} of the node is mounted.", check="hostPath")

    yield from each(spec(workload).views("volumes"), one)


def _library(workload: Resource, volume: View, paths: Sequence[str]) -> bool:
    """Whether a volume is one of the node's libraries and every container that mounts it may only read it."""
    if not any(fnmatchcase(str(volume.get("hostPath.path", "")), pattern) for pattern in paths):
        return False
    mounts = [mount for container in containers(workload) for mount in container.views("volumeMounts")]
    return all(mount.says("readOnly") for mount in mounts if mount.get("name") == volume.get("name"))


def _profile(workload: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if any(True for _ in _unconfined(workload)):
        yield f"{spec(workload).where}.securityContext.seccompProfile.type", "RuntimeDefault"


@resource_rule(
    id="k8s-seccomp",
    title="Containers have a seccomp profile",
    severity="low",
    level="advisory",
    types=[*PODS],
    fix="set securityContext.seccompProfile.type to RuntimeDefault on the pod.",
    references=["CKV_K8S_31", "CIS EKS 4.5.3", "NIST 800-53 SC-39"],
    remedy=_profile,
)
def seccomp(workload: Resource, _: Parameters) -> Iterator[Violation]:
    """Most holes of the kernel are in calls that no training program makes."""
    yield from _unconfined(workload)


ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"


def _unconfined(workload: Resource) -> Iterator[Violation]:
    path, fine = "securityContext.seccompProfile.type", ("RuntimeDefault", "Localhost")
    enough = (
        lambda: metadata(workload).entries("annotations").get(ANNOTATION) in ("runtime/default", "docker/default"),
        lambda: workload.entries("metadata.annotations").get(ANNOTATION) in ("runtime/default", "docker/default"),
        lambda: spec(workload).get(path) in fine,
        lambda: all_of(containers(workload), lambda container: container.get(path) in fine),
    )
    if not any_of(enough, lambda ask: ask()):
        yield Violation("no seccompProfile RuntimeDefault or Localhost.")
