"""A plan as the rules see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import plan
from policies.rules.model import UNKNOWN, Resource


def views(wanted: plan.Plan) -> list[Resource]:
    """The resources of a plan, without components: those have no inputs."""
    custom = [resource for resource in wanted if resource.custom]
    found = {
        resource.urn: Resource(
            type=resource.type,
            name=resource.name,
            urn=resource.urn,
            inputs=_plain(_unpacked(resource.inputs) if resource.is_provider else resource.inputs),
            parent=resource.parent,
            protect=resource.protect,
        )
        for resource in custom
    }
    for resource in custom:
        view = found[resource.urn]
        view.provider = found.get(resource.provider or "")
        view.dependencies = [found[urn] for urn in resource.dependencies if urn in found]
        view.refers = {
            key: [found[urn] for urn in urns if urn in found] for key, urns in resource.property_dependencies.items()
        }
    return list(found.values())


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
