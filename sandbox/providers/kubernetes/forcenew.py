"""Which changed fields force a replacement: the table of the official provider.

Source: https://github.com/pulumi/pulumi-kubernetes, provider/pkg/provider/diff.go, revision 94977969 (2026-07). Paths
are tuples; "*" stands for any list index.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object

Path = tuple[str | int, ...]


def _words(text: str) -> list[str]:
    return text.split()


def _paths(*texts: str) -> tuple[Path, ...]:
    return tuple(tuple(text.split(".")) for text in texts)


IDENTITY = _paths("metadata.name", "metadata.namespace")
_SELECTOR = _paths("spec.selector")
_JOB = _paths("spec.completions", "spec.parallelism", "spec.selector", "spec.template")
_ROLE_BINDING = _paths("roleRef")
_STATEFUL_SET = _paths(
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
)
_VOLUME_SOURCES = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
]
_POD_SPEC = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
]
_CONTAINER = [
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
]
_POD = (
    *(("spec", field) for field in _POD_SPEC),
    *(("spec", list_, "*", field) for list_ in ("containers", "initContainers") for field in _CONTAINER),
)

FORCE_NEW: dict[tuple[str, str], Sequence[Path]] = {
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "StatefulSet"): _STATEFUL_SET,
    ("batch", "Job"): _JOB,
    ("", "PersistentVolume"): tuple(("spec", source) for source in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _paths(
        "spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"
    ),
    ("", "Pod"): _POD,
    ("", "ResourceQuota"): _paths("spec.scopes"),
    ("", "Secret"): _paths("type"),
    ("", "Service"): _paths("spec.clusterIP"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io", "RoleBinding"): _ROLE_BINDING,
    ("storage.k8s.io", "StorageClass"): _paths("parameters", "provisioner"),
}
"""By API group and kind."""

_SECRET_DATA = _paths("type", "stringData", "data")
_CONFIG_MAP_DATA = _paths("binaryData", "data")


def force_new(obj: Object, *, config_map_mutable: bool = False, secret_mutable: bool = False) -> tuple[Path, ...]:
    """The paths whose change replaces `obj` (the new inputs).

    ConfigMaps and Secrets are replaced when their data changes, unless the provider option says mutable and the
    object is not `immutable`.
    """
    if objects.is_secret(obj) and (not secret_mutable or obj.get("immutable") is True):
        return IDENTITY + _SECRET_DATA
    if objects.is_config_map(obj) and (not config_map_mutable or obj.get("immutable") is True):
        return IDENTITY + _CONFIG_MAP_DATA
    return IDENTITY + tuple(FORCE_NEW.get((objects.group(objects.api_version(obj)), objects.kind(obj)), ()))


def touches(changed: Path, value: object, forced: Sequence[Path]) -> bool:
    """Whether a change at `changed` concerns a forced path: at or below it, or above it with `value` (what was added,
    changed to, or removed) holding it.
    """
    return any(_concerns(changed, value, path) for path in forced)


def _concerns(changed: Path, value: object, forced: Path) -> bool:
    shared = min(len(changed), len(forced))
    if any(forced[i] not in ("*", changed[i]) for i in range(shared)):
        return False
    return len(changed) >= len(forced) or _holds(value, forced[len(changed) :])


def _holds(value: object, path: Path) -> bool:
    if not path:
        return True
    if path[0] == "*":
        return isinstance(value, list) and any(_holds(item, path[1:]) for item in value)
    return isinstance(value, dict) and path[0] in value and _holds(value[path[0]], path[1:])
