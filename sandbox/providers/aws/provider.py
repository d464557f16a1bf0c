"""The back end of the protocol: finds the record of a type and hands the call to `Worker`."""

from __future__ import annotations

import threading
from collections.abc import Callable

import grpc

from sandbox.providers import wire
from sandbox.providers.aws import VERSION, configuration, invokes
from sandbox.providers.aws.cloud import Cloud
from sandbox.providers.aws.differences import difference
from sandbox.providers.aws.inputs import checked
from sandbox.providers.aws.record import Record
from sandbox.providers.aws.resources import Worker
from sandbox.providers.aws.types import RECORDS
from sandbox.providers.difference import Difference, changes, root
from sandbox.providers.protocol import Fail, Live, Naming, Problem, Props, Target
from sandbox.providers.provider_settings import parsed

REPLACING = frozenset({"region"})
"""Provider settings whose change replaces the provider and all its resources."""


class Aws:
    """`connect(cancelled, notify)` must be called before resources are worked on in a plugin process."""

    version = VERSION
    accept_secrets = False  # the engine marks same-named outputs itself

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._cancelled = threading.Event()
        self._notify: Callable[[Target, str], None] = lambda target, line: None  # noqa: ARG005

    def connect(self, cancelled: threading.Event, notify: Callable[[Target, str], None]) -> None:
        """Whom to tell about retries, and what ends a wait."""
        self._cancelled, self._notify = cancelled, notify

    @property
    def worker(self) -> Worker:
        if self._worker is None:
            raise Fail("aws provider: not configured")
        return self._worker

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
        settings = configuration.load(args)
        cloud = Cloud(settings, self._cancelled)
        if settings.allowed_accounts or settings.forbidden_accounts:
            configuration.refuse_account(settings, cloud.account)
        self._worker = Worker(cloud, self._cancelled, self._notify)

    # Resources.

    def check(
        self, target: Target, olds: Props, news: Props, seed: bytes, naming: Naming | None
    ) -> tuple[Props, list[Problem]]:
        return checked(record_of(target.type), target.name, olds, news, seed, naming)

    def diff(self, target: Target, resource_id: str, old_inputs: Props, news: Props, state: Props) -> Difference:  # noqa: ARG002
        return self._difference(record_of(target.type), old_inputs, news, state)

    def _difference(self, record: Record, old: Props, new: Props, state: Props) -> Difference:
        worker = self.worker
        return difference(record, old, new, state, worker.tags_all(record, new), worker.view)

    def create(self, target: Target, inputs: Props, preview: bool) -> tuple[str, Props]:
        record = record_of(target.type)
        if preview:
            return "", self.worker.preview(record, inputs)
        return self.worker.create(record, target, inputs)

    def read(self, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None:
        return self.worker.read(record_of(target.type), target, resource_id, state, inputs)

    def update(
        self, target: Target, resource_id: str, state: Props, news: Props, old_inputs: Props, preview: bool
    ) -> Props:
        record = record_of(target.type)
        found = self._difference(record, old_inputs, news, state)
        changed = {root(path) for path in found.changes}
        if preview:
            return self.worker.preview_update(record, state, news, changed)
        return self.worker.update(record, target, resource_id, state, news, old_inputs, changed)

    def delete(self, target: Target, resource_id: str, state: Props) -> None:
        self.worker.delete(record_of(target.type), target, resource_id, state)

    def invoke(self, token: str, args: Props, preview: bool) -> Props:  # noqa: ARG002
        if wire.unknown(args):
            raise Fail(f"function {token} was called with unknown arguments", grpc.StatusCode.INVALID_ARGUMENT)
        return invokes.invoke(self.worker.cloud, token, args)


def record_of(kind: str) -> Record:
    """The record of a type token. Raises `Fail` for a type that the local cloud does not have."""
    found = RECORDS.get(kind)
    if found is None:
        raise Fail(f"{kind} is not available in the local environment", grpc.StatusCode.UNIMPLEMENTED)
    return found
