"""A plan as the rules see it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import plan
from policies.rules.model import UNKNOWN, Resource


def views(wanted: plan.Plan, config: Mapping[str, str] | None = None) -> list[Resource]:
    """The resources of a plan, without components: those have no inputs. `config` stands in for the plan's own."""
    custom = [resource for resource in wanted if resource.custom]
    found = {
        resource.urn: Resource(
            type=resource.type,
            name=resource.name,
            urn=resource.urn,
            inputs=_plain(_unpacked(resource.inputs) if resource.is_provider else resource.inputs),
            parent=resource.parent,
            protect=resource.protect,
            external=bool(getattr(resource, "external", False)),
        )
        for resource in custom
    }
    default = _default_providers(wanted.config if config is None else config)
    for resource in custom:
        view = found[resource.urn]
        view.provider = found.get(resource.provider or "") or default.get(view.type.partition(":")[0])
        view.dependencies = [found[urn] for urn in resource.dependencies if urn in found]
        view.refers = {
            key: [found[urn] for urn in urns if urn in found] for key, urns in resource.property_dependencies.items()
        }
    _by_identity(custom, found)
    return list(found.values())


def _default_providers(config: Mapping[str, str]) -> dict[str, Resource]:
    """The providers that Pulumi makes of the configuration; a document need not list them."""
    made = {}
    for name in ("aws", "gcp"):
        inputs = {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{name}:")}
        if inputs:
            kind = f"pulumi:providers:{name}"
            made[name] = Resource(kind, "default", "", _plain(_unpacked(inputs)))
    return made


def _by_identity(custom: list[plan.Resource], found: dict[str, Resource]) -> None:
    """Relations of a deployed state that only show in values: an input that is another resource's id or ARN."""
    named: dict[str, list[Resource]] = {}
    for resource in custom:
        for name in {resource.id, resource.outputs.get("arn")}:
            if isinstance(name, str) and name and not resource.is_provider:
                named.setdefault(name, []).append(found[resource.urn])
    if not named:
        return
    for view in found.values():
        related = {key: list(targets) for key, targets in view.refers.items()}
        for key, value in view.inputs.items():
            targets = related.setdefault(key, [])
            targets += [
                target
                for text in _texts(value)
                for target in named.get(text, ())
                if target is not view and target not in targets
            ]
        view.refers = {key: targets for key, targets in related.items() if targets}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    # A document holds no secrets, only that there is one: a rule cannot tell, as with what is not known yet.
    return UNKNOWN if isinstance(value, plan.Unknown) or value == plan.SECRET else value


def _unpacked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Objects of provider configuration travel as JSON text."""
    found = dict(inputs)
    for key, value in inputs.items():
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                found[key] = json.loads(value)
            except ValueError:
                continue
    return found
