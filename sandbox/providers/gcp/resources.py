"""Create, read, update and delete by the table, in the store of the local cloud."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc

from sandbox.gcp import faults
from sandbox.gcp.store import AlreadyRecorded, Recorded
from sandbox.providers import wire
from sandbox.providers.autonaming import without_hidden
from sandbox.providers.gcp import sdk
from sandbox.providers.gcp.configuration import Configuration
from sandbox.providers.gcp.record import SERIAL, Record, Resource, World, find
from sandbox.providers.protocol import Fail, Live, Props, Target

EFFECTIVE, OURS = "effectiveLabels", "pulumiLabels"


class Recorder:
    """Works on the resources of one provider. `cancelled` ends waits."""

    def __init__(self, configuration: Configuration, world: World, cancelled: threading.Event) -> None:
        self.configuration, self.world, self.cancelled = configuration, world, cancelled

    def resolved(self, record: Record, inputs: Mapping[str, Any]) -> Resource:
        """The inputs with project and place of the provider where they are not given."""
        resource = Resource({key: value for key, value in inputs.items() if not key.startswith("__")})
        settings = self.configuration
        places = {"region": settings.region, "zone": settings.zone, "location": settings.region or settings.zone}
        if resource["project"] is None:
            resource["project"] = settings.project
        if record.place and resource[record.place] is None:
            resource[record.place] = places[record.place]
        return resource

    def labels(self, record: Record, inputs: Mapping[str, Any]) -> Props:
        """The two outputs of a type with labels: those of the program and its provider, and with Pulumi's own."""
        outputs = sdk.of(record.type).outputs
        if EFFECTIVE not in outputs:
            return {}
        own = inputs.get("labels" if "labels" in outputs else "resourceLabels") or {}
        if wire.unknown(own):
            return {EFFECTIVE: wire.UNKNOWN, OURS: wire.UNKNOWN}
        ours = {**self.configuration.labels, **own}
        return {EFFECTIVE: {**self.configuration.attribution, **ours}, OURS: ours}

    def state(self, record: Record, resource: Resource, inputs: Props, kept: Props) -> Props:
        """Outputs: what was computed before, the inputs, what Google computes from them."""
        known = sdk.of(record.type).outputs
        places = {name: resource[name] for name in ("project", record.place) if name in known and resource[name]}
        link = {"selfLink": f"https://www.googleapis.com/{record.link}/{resource.id}"} if record.link else {}
        computed = record.outputs(resource, self.world)
        labels = self.labels(record, inputs)
        return {**kept, **places, **without_hidden(inputs), **link, **labels, **computed, "id": resource.id}

    # The protocol's verbs.

    def preview(self, record: Record, inputs: Props) -> Props:
        """What is known before anything is recorded: the inputs, the place, the labels."""
        resource = self.resolved(record, inputs)
        known = sdk.of(record.type).outputs
        places = {name: resource[name] for name in ("project", record.place) if name in known and resource[name]}
        shown = {**places, **without_hidden(inputs), **self.labels(record, inputs)}
        for path in record.computed:
            name, _, rest = path.partition(".")
            if rest and isinstance(shown.get(name), Mapping):
                shown[name] = {**shown[name], rest: wire.UNKNOWN}
            elif not rest and name in shown:
                shown[name] = wire.UNKNOWN
        return shown

    def create(self, record: Record, target: Target, inputs: Props) -> tuple[str, Props]:
        """Record it. Raises `Fail` when something that it needs is not recorded, or when it is there already."""
        resource = self.resolved(record, inputs)
        resource[SERIAL] = str(uuid.uuid4())
        missing = [name for name in ("project", record.place) if name and not resource[name]]
        if missing:
            raise Fail(f"{target.type}: no {missing[0]}: give it, or set gcp:{missing[0]} for the provider")
        resource.id, resource.created = record.id_of(resource), datetime.now(UTC).isoformat()
        later = self._fault("create", target)
        self._refuse(record, resource)
        del resource[SERIAL]
        state = self.state(record, resource, inputs, {})
        entry = Recorded(record.type, resource.id, target.urn, resource.created, inputs, state)
        try:
            self.world.store.add(entry)
        except AlreadyRecorded as error:
            if record.shared:
                return entry.id, dict(error.found.state)
            if error.found.urn != target.urn or error.found.inputs != inputs:
                raise Fail(
                    f"{target.type}: Error 409: {resource.id} already exists", grpc.StatusCode.ALREADY_EXISTS
                ) from None
            return entry.id, dict(error.found.state)  # of a run that was killed before it could say so
        if later:
            self._suffer(later, target)
        return entry.id, state

    def read(self, record: Record, target: Target, resource_id: str) -> Live | None:
        """The resource as it is recorded, also by a link or name that could be meant (import)."""
        store = self.world.store
        found = store.get(record.type, resource_id) or find(store, record.type, resource_id, self.configuration.project)
        self._fault("read", target)
        return Live(found.id, dict(found.state), dict(found.inputs)) if found else None

    def update(self, record: Record, target: Target, resource_id: str, news: Props) -> Props:
        """Record the new inputs; what was computed once stays."""
        found = self.world.store.get(record.type, resource_id)
        if found is None:
            message = f"{target.type} {resource_id} is not recorded any more: run `pulumi refresh`"
            raise Fail(message, grpc.StatusCode.NOT_FOUND)
        resource = self.resolved(record, news)
        resource.id, resource.created = resource_id, found.created
        self._fault("update", target)
        self._refuse(record, resource)
        kept = {key: value for key, value in found.state.items() if key not in found.inputs}
        state = self.state(record, resource, news, kept)
        self.world.store.put(replace(found, urn=target.urn, inputs=news, state=state))
        return state

    def delete(self, record: Record, target: Target, resource_id: str, state: Props) -> None:
        """Forget it, and what goes with it. Already gone is fine. Raises `Fail` when it is protected or in use."""
        store = self.world.store
        if store.get(record.type, resource_id) is None:
            return
        self._fault("delete", target)
        if state.get("deletionPolicy") == "PREVENT":
            raise Fail(f"{target.type} {resource_id} cannot be deleted: its deletionPolicy is PREVENT")
        if record.protected and state.get(record.protected) is not False:
            raise Fail(
                f"{target.type} {resource_id} cannot be deleted: set {record.protected} to false and run `up` first"
            )
        users = [one for kind in record.held_by for one in store.of_type(kind) if names(one.inputs, resource_id, state)]
        if users:
            raise Fail(f"{target.type} {resource_id} cannot be deleted: Error 400: it is used by {users[0].id}")
        for kind in record.members:
            for one in store.of_type(kind):
                if one.id.startswith(f"{resource_id}/"):
                    store.remove(kind, one.id)
        store.remove(record.type, resource_id)

    def _refuse(self, record: Record, resource: Resource) -> None:
        """Raise `Fail` with what Google would refuse only now."""
        reasons = [
            f"{name} {resource[name]} does not exist"
            for name, kind in record.refers.items()
            if resource[name] and find(self.world.store, kind, str(resource[name]), str(resource["project"])) is None
        ]
        reasons += [reason for rule in record.late for reason in rule(resource, self.world)]
        if reasons:
            raise Fail(f"{record.type}: {'; '.join(reasons)}", grpc.StatusCode.INVALID_ARGUMENT)

    def _fault(self, verb: str, target: Target) -> faults.Fault | None:
        """What is to go wrong now does; what is to go wrong later is returned."""
        fault = faults.take(self.world.settings, verb, target.type)
        if fault and not fault.after:
            self._suffer(fault, target)
        return fault if fault and fault.after else None

    def _suffer(self, fault: faults.Fault, target: Target) -> None:
        self.cancelled.wait(fault.seconds)
        if fault.message:
            raise Fail(f"{target.type}: {fault.message}")


def names(value: Any, resource_id: str, state: Mapping[str, Any]) -> bool:
    """Whether inputs name a resource by its id or link."""
    links = {resource_id, state.get("selfLink")}
    match value:
        case str():
            return value in links
        case Mapping():
            return any(names(one, resource_id, state) for one in value.values())
        case Iterable():
            return any(names(one, resource_id, state) for one in value)
    return False
