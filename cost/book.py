"""What pricing a plan needs around the single resource: relations, regions, groups, settings of the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from cost.usage import Usage
from plan import UNKNOWN, Plan, Resource

POOLS = frozenset({
    "aidc:accelerator_pool:AcceleratorPool", "aidc:system_pool:SystemPool", "aidc:gcp/gpu_pool:GpuPool",
    "aidc:gcp/tpu_pool:TpuPool", "aidc:gcp/system_pool:GcpSystemPool",
})  # fmt: skip
"""Components that are a pool."""
STACK = "pulumi:pulumi:Stack"
PROJECT = "ai-datacenter"
PLACES = ("region", "zone", "location")
TARGET = "aws:appautoscaling/target:Target"


@dataclass(frozen=True)
class Group:
    """What a resource belongs to."""

    component: str | None
    pool: str | None


@dataclass(frozen=True)
class Book:
    """A plan with what is needed to price it."""

    plan: Plan
    usage: Usage
    today: date
    _sections: dict[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """A section of the stack file; empty when it is absent or the plan is of another project."""
        if name not in self._sections:
            text = self.plan.config.get(f"{PROJECT}:{name}", "")
            try:
                found = json.loads(text)
            except ValueError:
                found = {}
            self._sections[name] = found if isinstance(found, dict) else {}
        return self._sections[name]

    @cached_property
    def _referring(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.plan:
            urns = {urn for listed in resource.property_dependencies.values() for urn in listed}
            for urn in urns | set(resource.dependencies):
                found.setdefault(urn, []).append(resource)
        return found

    @cached_property
    def _by_key(self) -> dict[str, list[Resource]]:
        """Resources by what a literal value may call them: id, and names in their inputs."""
        found: dict[str, list[Resource]] = {}
        for resource in self.plan:
            names = {resource.id, resource.name}
            names |= {
                resource.inputs.get(key)
                for key in ("name", "family", "clusterIdentifier", "arn")
                if key in resource.inputs
            }
            names.add(resource.outputs.get("arn"))
            for name in names:
                if isinstance(name, str) and name:
                    found.setdefault(name, []).append(resource)
        return found

    def referred(self, resource: Resource, path: str, types: tuple[str, ...]) -> Resource | None:
        """The resource that an input refers to: by the plan's relations, else by a literal id or name."""
        head = path.partition(".")[0].partition("[")[0]
        urns = [
            urn
            for key, listed in resource.property_dependencies.items()
            if key.partition(".")[0].partition("[")[0] == head
            for urn in listed
        ]
        candidates = [self.plan.by_urn[urn] for urn in urns if urn in self.plan.by_urn]
        value: Any = resource.inputs
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value is not UNKNOWN:
            candidates += [found for found in self._by_key.get(value, ()) if types]
        fitting = [found for found in candidates if not types or found.type in types]
        return fitting[0] if fitting else None

    def referrers(self, resource: Resource, types: tuple[str, ...]) -> Iterator[Resource]:
        for found in self._referring.get(resource.urn, ()):
            if found.type in types:
                yield found

    def targets(self, resource: Resource, resource_id: str) -> Iterator[Resource]:
        """Auto-scaling targets of a resource: those that refer to it, and those that name it by its id."""
        referring = list(self.referrers(resource, (TARGET,)))
        yield from referring
        known = {found.urn for found in referring}
        yield from (found for found in self._named_targets.get(resource_id, ()) if found.urn not in known)

    @cached_property
    def _named_targets(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.plan:
            if resource.type == TARGET and isinstance(name := resource.inputs.get("resourceId"), str):
                found.setdefault(name, []).append(resource)
        return found

    def region(self, resource: Resource) -> str | None:
        """The resource's own region, that of its provider, that of the configuration.

        None where its own is known only after creation: another region's price would be a guess.
        """
        package = resource.type.partition(":")[0]
        own = resource.inputs.get("region")
        if isinstance(own, str) and own:
            return own
        if package == "gcp" and (place := gcp_place(resource.inputs)):
            return place
        if any(resource.inputs.get(key) is UNKNOWN for key in (PLACES if package == "gcp" else PLACES[:1])):
            return None
        provider = self.plan.by_urn.get(resource.provider or "")
        set_there = provider.inputs.get("region") if provider else None
        if isinstance(set_there, str) and set_there:
            return set_there
        configured = self.plan.config.get(f"{package}:region")
        if configured:
            return configured
        zone = self.plan.config.get(f"{package}:zone")
        return zone.rsplit("-", 1)[0] if zone else self._zone_region(resource)

    @staticmethod
    def _zone_region(resource: Resource) -> str | None:
        zone = resource.inputs.get("availabilityZone")
        return zone[:-1] if isinstance(zone, str) and zone[-1:].isalpha() else None

    def group(self, resource: Resource) -> Group:
        """The outermost component a resource is in, and its pool."""
        component, pool = None, None
        for parent in self.plan.ancestors(resource):
            if parent.type == STACK:
                break
            component = parent.name
            if parent.type in POOLS:
                pool = parent.name
        tags = resource.inputs.get("tags")
        if pool is None and isinstance(tags, Mapping) and isinstance(tags.get("dc:pool"), str):
            pool = tags["dc:pool"]
        return Group(component, pool)

    def tags(self, resource: Resource) -> dict[str, str]:
        """The provider's default tags and the resource's own; for Google Cloud its labels."""
        provider = self.plan.by_urn.get(resource.provider or "")
        found: dict[str, str] = {}
        for source, key in (
            (self._default_tags(provider), "tags"),
            (resource.inputs, "labels"),
            (resource.inputs, "tags"),
        ):
            entries = source.get(key)
            if isinstance(entries, Mapping):
                found |= {str(name): value for name, value in entries.items() if isinstance(value, str)}
        return found

    def _default_tags(self, provider: Resource | None) -> Mapping[str, Any]:
        value = provider.inputs.get("defaultTags") if provider else None
        if isinstance(value, str) and value[:1] == "{":
            key = f"tags of {provider.urn if provider else ''}"
            if key not in self._sections:
                self._sections[key] = json.loads(value)
            value = self._sections[key]
        return value if isinstance(value, Mapping) else {}

    def purchase(self, pool: str | None) -> Mapping[str, Any]:
        """How the stack file says that a pool is bought."""
        found = self.section("pools").get(pool or "")
        bought = found.get("purchase") if isinstance(found, Mapping) else None
        return bought if isinstance(bought, Mapping) else {}

    def discount(self, *scopes: str) -> tuple[Decimal, str] | None:
        """The discount for the first scope that the stack file names: per cent off, and its name."""
        section = self.section("discounts")
        for scope in scopes:
            if scope in section:
                return Decimal(str(section[scope])), scope
        return None


def gcp_place(inputs: Mapping[str, Any]) -> str | None:
    """The region of a Google resource's own zone or location; a multi-region stays what it is."""
    for key in ("zone", "location"):
        place = inputs.get(key)
        if isinstance(place, str) and place:
            parts = place.rsplit("/", 1)[-1].split("-")
            return "-".join(parts[:2])
    return None
