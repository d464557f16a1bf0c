"""Kubernetes objects as plain dicts: identity, kinds and scopes, annotations, and the key form the SDKs use for CRD
schemas.

Every function accepts objects that hold unknown values (a preview): what is unknown reads as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.providers.wire import UNKNOWN

Object = dict[str, Any]

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
REPLACE_UNREADY = "pulumi.com/replaceUnready"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

READ_ONLY_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILT_IN_GROUPS = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"}) | {
    f"{group}.k8s.io"
    for group in (
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    )
}
"""API groups that the API server itself serves; other groups come from CRDs or aggregated servers."""

CLUSTER_SCOPED = _words(
    "APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle "
    "ComponentStatus CustomResourceDefinition DeviceClass DeviceTaintRule FlowSchema IPAddress IngressClass "
    "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node "
    "PersistentVolume PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview "
    "SelfSubjectReview SelfSubjectRulesReview ServiceCIDR StorageClass StorageVersion StorageVersionMigration "
    "SubjectAccessReview TokenReview ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass "
)
"""Kinds of the built-in groups without a namespace (`kubectl api-resources --namespaced=false`, Kubernetes 1.36)."""

DASHED = (
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
)
_TO_DASHES = {name.replace("-", "_"): name for name in DASHED}
_TO_UNDERSCORES = {name: name.replace("-", "_") for name in DASHED}


def members(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def pluck(value: Any, *path: str) -> Any:
    """The member at `path`, or None where any part of it is absent."""
    for key in path:
        value = members(value).get(key)
    return value


def metadata(obj: Mapping[str, Any]) -> dict[str, Any]:
    return members(obj.get("metadata"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) and UNKNOWN not in value else ""


def name(obj: Mapping[str, Any]) -> str:
    """metadata.name, empty when absent or unknown."""
    return _text(metadata(obj).get("name"))


def namespace(obj: Mapping[str, Any]) -> str:
    """metadata.namespace, empty when absent or unknown."""
    return _text(metadata(obj).get("namespace"))


def annotation(obj: Mapping[str, Any], key: str) -> str:
    """The value of an annotation, empty when absent or unknown."""
    return _text(members(metadata(obj).get("annotations")).get(key))


def marked(obj: Mapping[str, Any], key: str) -> bool:
    """Whether an annotation says "true"."""
    return annotation(obj, key) == "true"


def kind(obj: Mapping[str, Any]) -> str:
    return _text(obj.get("kind"))


def api_version(obj: Mapping[str, Any]) -> str:
    return _text(obj.get("apiVersion"))


def group(version: str) -> str:
    """The API group of an apiVersion: "apps" of apps/v1, empty for v1."""
    return version.rpartition("/")[0]


def built_in(version: str) -> bool:
    """Whether an apiVersion is served by the API server itself."""
    return group(version) in BUILT_IN_GROUPS


def identity(obj: Mapping[str, Any]) -> str:
    """The Pulumi id: `namespace/name`, or `name` for cluster-scoped objects."""
    return f"{namespace(obj)}/{name(obj)}" if namespace(obj) else name(obj)


def parse_identity(text: str) -> tuple[str, str]:
    """Namespace (may be empty) and name of a Pulumi id."""
    space, _, own = text.rpartition("/")
    return space, own


def label(obj: Mapping[str, Any]) -> str:
    """How messages name an object: `ConfigMap default/x`."""
    return f"{kind(obj)} {identity(obj)}".strip()


def from_type(token: str) -> tuple[str, str]:
    """apiVersion and kind of a type token: `kubernetes:core/v1:Pod` is ("v1", "Pod"). The Patch kinds of the SDK
    (built-in groups only) read as the kind they patch.
    """
    _, _, rest = token.partition(":")
    version, _, own = rest.rpartition(":")
    version = version.removeprefix("core/")
    if built_in(version) and own != "Patch":
        own = own.removesuffix("Patch")
    return version, own


def is_patch(token: str, own_kind: str) -> bool:
    """Whether a type token is the SDK's patch resource of a kind (`ConfigMapPatch` for ConfigMap)."""
    return token.rpartition(":")[2] == f"{own_kind}Patch"


def is_list(token: str) -> bool:
    """Whether a type token is one of the SDK's list resources (`ConfigMapList`)."""
    version, own = from_type(token)
    return built_in(version) and own.endswith("List")


def is_secret(obj: Mapping[str, Any]) -> bool:
    return kind(obj) == "Secret" and api_version(obj) == "v1"


def is_config_map(obj: Mapping[str, Any]) -> bool:
    return kind(obj) == "ConfigMap" and api_version(obj) == "v1"


def is_definition(obj: Mapping[str, Any]) -> bool:
    """Whether this is a CustomResourceDefinition."""
    return kind(obj) == "CustomResourceDefinition" and group(api_version(obj)) == "apiextensions.k8s.io"


def owned_by(obj: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether `owner` is one of the direct owners of `obj`."""
    uid = metadata(owner).get("uid")
    return any(members(one).get("uid") == uid for one in items(metadata(obj).get("ownerReferences")))


def condition(obj: Mapping[str, Any], own_type: str) -> dict[str, Any]:
    """The status condition of a type, empty when there is none."""
    found = (one for one in items(pluck(obj, "status", "conditions")) if members(one).get("type") == own_type)
    return members(next(found, None))


def to_api(value: Any) -> Any:
    """A copy with the keys of the API (`x-kubernetes-...`) and without nulls in objects."""
    return _rekeyed(value, _TO_DASHES.get)


def from_api(value: Any) -> Any:
    """A copy with the keys of the SDKs (`x_kubernetes_...`)."""
    return _rekeyed(value, _TO_UNDERSCORES.get)


def _rekeyed(value: Any, renamed: Callable[[str], str | None]) -> Any:
    if isinstance(value, dict):
        return {renamed(key) or key: _rekeyed(item, renamed) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_rekeyed(item, renamed) for item in value]
    return value
