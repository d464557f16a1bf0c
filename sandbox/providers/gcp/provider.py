"""The back end of the protocol: finds the record of a type, checks, compares, and hands the call to `Recorder`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import grpc

from sandbox.gcp.store import Store
from sandbox.providers import wire
from sandbox.providers.autonaming import GENERATED, named, without_hidden
from sandbox.providers.difference import Difference, Kind, changes, root
from sandbox.providers.gcp import VERSION, checking, configuration, sdk
from sandbox.providers.gcp.record import SERIAL, Record, World
from sandbox.providers.gcp.resources import EFFECTIVE, Recorder
from sandbox.providers.gcp.types import RECORDS
from sandbox.providers.protocol import Fail, Live, Naming, Problem, Props, Target
from sandbox.providers.provider_settings import parsed
from sandbox.settings import Settings

REPLACING = frozenset({"project"})
"""Provider settings whose change replaces the provider and all its resources."""


class Gcp:
    """The recorded cloud of one sandbox."""

    version = VERSION
    accept_secrets = False  # the engine marks same-named outputs itself

    def __init__(self, settings: Settings) -> None:
        self._world = World(settings, Store.of(settings))
        self._recorder: Recorder | None = None
        self._cancelled = threading.Event()

    def connect(self, cancelled: threading.Event) -> None:
        """What ends a wait."""
        self._cancelled = cancelled

    @property
    def recorder(self) -> Recorder:
        if self._recorder is None:
            raise Fail("gcp provider: not configured")
        return self._recorder

    # Provider settings.

    def check_config(self, news: Props) -> list[Problem]:
        return configuration.problems(news)

    def diff_config(self, olds: Props, news: Props) -> Difference:
        found = changes(
            {key: parsed(value) for key, value in olds.items()},
            {key: parsed(value) for key, value in news.items()},
        )
        return Difference(found, frozenset(path for path in found if root(path) in REPLACING))

    def configure(self, args: Props) -> None:
        self._recorder = Recorder(configuration.load(args), self._world, self._cancelled)

    # Resources.

    def check(
        self, target: Target, olds: Props, news: Props, seed: bytes, naming: Naming | None
    ) -> tuple[Props, list[Problem]]:
        record = record_of(target.type)
        inputs = {key: value for key, value in news.items() if key != GENERATED}
        problems = checking.problems(sdk.of(record.type).inputs, inputs, record.values)
        problems += named(record.naming, target.name, olds, inputs, seed, naming)
        if not problems:
            resource = self.recorder.resolved(record, inputs)
            problems = [problem for rule in record.rules for problem in rule(resource)]
        return inputs, problems

    def diff(self, target: Target, resource_id: str, old_inputs: Props, news: Props, state: Props) -> Difference:
        record = record_of(target.type)
        before, after = without_hidden(old_inputs), without_hidden(news)
        found = changes(before, after)
        forcing = frozenset(path for path in found if record.forces(path))
        from_state: frozenset[str] = frozenset()
        labels = self.recorder.labels(record, after)
        if labels and not wire.same(state.get(EFFECTIVE), labels[EFFECTIVE]) and not _labels_changed(found):
            found[EFFECTIVE] = Kind.UPDATE
            from_state = frozenset({EFFECTIVE})
        first = bool(forcing) and self._collides(record, resource_id, news)
        return Difference(found, forcing, first, from_state)

    def _collides(self, record: Record, resource_id: str, news: Mapping[str, Any]) -> bool:
        """Whether old and new could not exist side by side. A generated name is another one in the new resource."""
        generated = record.naming and record.naming.input in news.get(GENERATED, [])
        if generated or f"{{{SERIAL}}}" in record.id:
            return False
        return record.id_of(self.recorder.resolved(record, news)) == resource_id

    def create(self, target: Target, inputs: Props, preview: bool) -> tuple[str, Props]:
        record = record_of(target.type)
        if preview:
            return "", self.recorder.preview(record, inputs)
        return self.recorder.create(record, target, inputs)

    def read(self, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None:  # noqa: ARG002
        return self.recorder.read(record_of(target.type), target, resource_id)

    def update(
        self, target: Target, resource_id: str, state: Props, news: Props, old_inputs: Props, preview: bool
    ) -> Props:
        record = record_of(target.type)
        if preview:
            kept = {key: value for key, value in state.items() if key not in old_inputs}
            return {**kept, **self.recorder.preview(record, news)}
        return self.recorder.update(record, target, resource_id, news)

    def delete(self, target: Target, resource_id: str, state: Props) -> None:
        self.recorder.delete(record_of(target.type), target, resource_id, state)

    def invoke(self, token: str, args: Props, preview: bool) -> Props:  # noqa: ARG002
        if token == "gcp:organizations/getClientConfig:getClientConfig":  # noqa: S105 - a function's name
            settings = self.recorder.configuration
            return {"id": settings.project, "project": settings.project, "region": settings.region or ""}
        if token == "gcp:storage/getProjectServiceAccount:getProjectServiceAccount":  # noqa: S105 - likewise
            project = str(args.get("project") or self.recorder.configuration.project)
            email = f"service-{project}@gs-project-accounts.iam.gserviceaccount.com"
            return {"id": email, "emailAddress": email, "member": f"serviceAccount:{email}", "project": project}
        raise Fail(f"function {token} is not available in the local cloud", grpc.StatusCode.UNIMPLEMENTED)


def _labels_changed(found: Mapping[str, Kind]) -> bool:
    return bool({root(path) for path in found} & {"labels", "resourceLabels"})


def record_of(kind: str) -> Record:
    """The record of a type token. Raises `Fail` for a type that the local cloud does not record."""
    found = RECORDS.get(kind)
    if found is None:
        raise Fail(f"{kind} is not available in the local cloud", grpc.StatusCode.UNIMPLEMENTED)
    return found
