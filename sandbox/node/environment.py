"""The environment and arguments of a container, as the kubelet composes them.

Order: the image's, the API server's address, `envFrom`, `env`; later ones win, and `$(NAME)` refers to earlier ones.
Leaves out: variables of services other than the API server (they are for clusters without DNS).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any, Protocol

from kubernetes.utils.quantity import parse_quantity

from sandbox.node.api import Object

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


class ConfigProblem(Exception):
    """The pod names something that is not there: CreateContainerConfigError."""


class Sources(Protocol):
    """Where values come from. Each returns None when there is no such object."""

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None: ...

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None: ...


def expand(text: str, environment: dict[str, str]) -> str:
    """Replace `$(NAME)`. An unknown name stays as it is, `$$` means `$`: the kubelet's rules."""

    def one(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return environment.get(match[2], match[0])

    return REFERENCE.sub(one, text)


def arguments(container: Object, environment: dict[str, str], default: list[str]) -> list[str]:
    """The program and its arguments. Raises ConfigProblem when neither the pod nor the image names a program."""
    command = [expand(word, environment) for word in container.get("command") or []]
    words = (command or default) + [expand(word, environment) for word in container.get("args") or []]
    if not words:
        raise ConfigProblem(f"container {container['name']}: no command given, and its image has none")
    return words


def compose(container: Object, pod: Object, base: dict[str, str], sources: Sources, node: Object) -> dict[str, str]:
    """The container's variables. `pod` has its addresses in `status`, `node` is the node's allocatable resources.

    Raises ConfigProblem for a missing object or key that is not optional, ApiError when it cannot be asked.
    """
    found = dict(base)
    namespace = pod["metadata"]["namespace"]
    for source in container.get("envFrom") or []:
        data = _all_of(source, namespace, sources)
        found |= {source.get("prefix", "") + key: value.decode(errors="replace") for key, value in data.items()}
    for variable in container.get("env") or []:
        origin = variable.get("valueFrom")
        if origin is None:
            found[variable["name"]] = expand(variable.get("value") or "", found)
        elif (value := _value(origin, container, pod, sources, node)) is not None:
            found[variable["name"]] = value
    return found


def field(pod: Object, path: str) -> str:
    """Value of a downward-API field path. Raises ConfigProblem for a path that Kubernetes does not offer."""
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        entries = (pod["metadata"].get(path.partition(".")[2]) or {}).items()
        return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(entries))
    if path in {"status.podIPs", "status.hostIPs"}:
        return ",".join(one["ip"] for one in pod["status"].get(path.partition(".")[2]) or [])
    if path not in {"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
                    "status.hostIP", "status.podIP"}:  # fmt: skip
        raise ConfigProblem(f"fieldRef {path}: no such field")
    section, _, name = path.partition(".")
    return str(pod[section].get(name) or "")


def resource(container: Object, what: str, divisor: str, node: Object) -> str:
    """Value of a resourceFieldRef such as `limits.cpu`, in multiples of `divisor`, rounded up. An unset limit is what
    the node has, an unset request is the limit, or 0."""
    kind, _, name = what.partition(".")
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    given = limits.get(name, node.get(name)) if kind == "limits" else requests.get(name, limits.get(name))
    unit = parse_quantity(divisor) if divisor not in {"", "0"} else Decimal(1)
    return str(math.ceil(parse_quantity(given or "0") / unit))


def decoded(values: dict[str, bytes] | None, what: str, optional: bool) -> dict[str, bytes]:
    """The data of a config map or secret. Raises ConfigProblem when it is missing and needed."""
    if values is None:
        if optional:
            return {}
        raise ConfigProblem(f"{what} not found")
    return values


def _all_of(source: Object, namespace: str, sources: Sources) -> dict[str, bytes]:
    if reference := source.get("configMapRef"):
        name = reference["name"]
        return decoded(sources.config_map(namespace, name), f"configmap {name}", reference.get("optional", False))
    if reference := source.get("secretRef"):
        name = reference["name"]
        return decoded(sources.secret(namespace, name), f"secret {name}", reference.get("optional", False))
    raise ConfigProblem(f"envFrom: {', '.join(source)} is not available on a process node")


def _value(origin: Object, container: Object, pod: Object, sources: Sources, node: Object) -> str | None:
    namespace = pod["metadata"]["namespace"]
    if reference := origin.get("fieldRef"):
        return field(pod, reference["fieldPath"])
    if reference := origin.get("resourceFieldRef"):
        return resource(container, reference["resource"], str(reference.get("divisor", "")), node)
    if reference := origin.get("configMapKeyRef"):
        return _key(reference, "configmap", sources.config_map(namespace, reference["name"]))
    if reference := origin.get("secretKeyRef"):
        return _key(reference, "secret", sources.secret(namespace, reference["name"]))
    raise ConfigProblem(f"valueFrom: {', '.join(origin)} is not available on a process node")


def _key(reference: dict[str, Any], kind: str, values: dict[str, bytes] | None) -> str | None:
    optional = reference.get("optional", False)
    data = decoded(values, f"{kind} {reference['name']}", optional)
    if reference["key"] in data:
        return data[reference["key"]].decode(errors="replace")
    if optional:
        return None
    raise ConfigProblem(f"key {reference['key']} not found in {kind} {reference['name']}")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
