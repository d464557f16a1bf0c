"""Kubernetes manifests as YAML text: decoding, lists taken apart, order of creation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object, items
from sandbox.providers.protocol import Fail

DEPENDS_ON = "config.kubernetes.io/depends-on"
Reference = tuple[str, str, str, str]
"""API group, kind, namespace, name."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as Kubernetes reads it: dates stay text."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def decode(text: str) -> list[Object]:
    """The documents of a YAML text; empty ones are left out. Raises `Fail`."""
    try:
        found: list[Any] = [one for one in yaml.load_all(text, Loader=_Loader) if one]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Fail(f"the manifest is not valid YAML{where}: {getattr(error, 'problem', None) or error}") from None
    for one in found:
        if not isinstance(one, dict):
            raise Fail(f"the manifest holds a document that is no object: {str(one)[:80]}")
    return found


def expand(found: list[Object]) -> list[Object]:
    """Lists (`v1 List`, `ConfigMapList`) replaced by what they hold. Raises `Fail` for objects without kind,
    apiVersion or name.
    """
    result: list[Object] = []
    for one in found:
        if objects.kind(one).endswith("List") and isinstance(one.get("items"), list):
            result += expand(items(one["items"]))
            continue
        if not (objects.kind(one) and objects.api_version(one)):
            raise Fail(f"Kubernetes resources require a kind and apiVersion: {str(one)[:100]}")
        if not objects.name(one):
            raise Fail(f"Kubernetes resources require a .metadata.name: {objects.kind(one)} {str(one)[:100]}")
        result.append(one | {"apiVersion": objects.api_version(one).removeprefix("core/")})
    return result


def reference(obj: Object) -> Reference:
    return objects.group(objects.api_version(obj)), objects.kind(obj), objects.namespace(obj), objects.name(obj)


def dependencies(found: list[Object]) -> dict[Reference, list[Reference]]:
    """What each object needs first: its namespace, the definition of its kind, and what its depends-on annotation
    names.
    """
    have = {reference(one) for one in found}
    definitions = {
        (str(objects.pluck(one, "spec", "group")), str(objects.pluck(one, "spec", "names", "kind"))): reference(one)
        for one in found
        if objects.is_definition(one)
    }
    result: dict[Reference, list[Reference]] = {}
    for one in found:
        group, kind, space, _ = own = reference(one)
        wanted = [("", "Namespace", "", space), definitions.get((group, kind))]
        wanted += [_parse(text) for text in objects.annotation(one, DEPENDS_ON).split(",") if text.strip()]
        result[own] = [need for need in wanted if need is not None and need in have and need != own]
    return result


def _parse(text: str) -> Reference | None:
    """`group/namespaces/namespace/Kind/name` or `group/Kind/name`."""
    parts = text.strip().split("/")
    if len(parts) == 5 and parts[1] == "namespaces":
        return parts[0], parts[3], parts[2], parts[4]
    return (parts[0], parts[1], "", parts[2]) if len(parts) == 3 else None


def in_order(found: list[Object], needs: dict[Reference, list[Reference]]) -> list[Object]:
    """The objects with every dependency before its dependants, otherwise in the order given. Raises `Fail` for a
    circle.
    """
    by_reference = {reference(one): one for one in found}
    done: dict[Reference, bool] = {}
    result: list[Object] = []

    def visit(own: Reference, path: tuple[Reference, ...]) -> None:
        if own in path:
            raise Fail(
                f"the manifests depend on each other in a circle: {' -> '.join(one[1] + ' ' + one[3] for one in path)}"
            )
        if done.setdefault(own, False):
            return
        for need in needs.get(own, []):
            visit(need, (*path, own))
        if not done[own]:
            done[own] = True
            result.append(by_reference[own])

    for own in by_reference:
        visit(own, ())
    return result


def with_namespaces(found: list[Object], namespace: str, namespaced: Callable[[Object], bool]) -> list[Object]:
    """The objects with `namespace` where they need one and name none. Definitions among them tell the scope of their
    kinds.
    """
    scopes = {
        (objects.pluck(one, "spec", "group"), objects.pluck(one, "spec", "names", "kind")): one["spec"].get("scope")
        for one in found
        if objects.is_definition(one) and isinstance(one.get("spec"), dict)
    }
    result = []
    for one in found:
        scope = scopes.get((objects.group(objects.api_version(one)), objects.kind(one)))
        inside = scope == "Namespaced" if scope else namespaced(one)
        if inside and not objects.namespace(one):
            one["metadata"]["namespace"] = namespace
        result.append(one)
    return result
