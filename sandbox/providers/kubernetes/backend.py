"""The back end of the kubernetes provider: every call of the protocol handed to the module that does it."""

from __future__ import annotations

import threading

from sandbox.providers.difference import Difference, Kind
from sandbox.providers.kubernetes import (
    charts,
    checking,
    checkpoint,
    configuration,
    deleting,
    invokes,
    objects,
    reading,
)
from sandbox.providers.kubernetes.diffing import collides, compare, steps
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.forcenew import IDENTITY, force_new
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.previewing import preview_create, preview_update
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.kubernetes.writing import Writing
from sandbox.providers.protocol import Live, Naming, Problem, Props, Target

VERSION = "4.34.2"
"""Version of pulumi_kubernetes that this provider answers; the engine asks for exactly the plugin its SDK names."""


class Kubernetes:
    """See `sandbox.providers.backend.Backend`."""

    version = VERSION
    accept_secrets = True  # the engine demands it of providers with components

    def __init__(self) -> None:
        self.session = Session()
        self.call = threading.local()
        """What the protocol layer knows of the running call beside its arguments: `ignored`, a list of property
        paths.
        """

    def check_config(self, news: Props) -> list[Problem]:
        return configuration.problems(news)

    def diff_config(self, olds: Props, news: Props) -> Difference:
        return configuration.difference(olds, news)

    def configure(self, args: Props) -> None:
        self.session.configure(args)

    def check(
        self, target: Target, olds: Props, news: Props, seed: bytes, naming: Naming | None
    ) -> tuple[Props, list[Problem]]:
        if target.type == charts.RELEASE:
            return charts.check(self.session, target, olds, news, seed, naming)
        return checking.check(self.session, target, olds, news, seed, naming)

    def diff(self, target: Target, resource_id: str, old_inputs: Props, news: Props, state: Props) -> Difference:  # noqa: ARG002
        if target.type == charts.RELEASE:
            return charts.diff(old_inputs, news)
        options = self.session.options
        forced = IDENTITY
        if not objects.is_patch(target.type, objects.kind(news)):
            forced = force_new(
                news, config_map_mutable=options.config_map_mutable, secret_mutable=options.secret_mutable
            )
        olds, live = old_inputs or checkpoint.inputs_of(state), checkpoint.live_object(state)
        found = compare(olds, news, live, namespaced=self.session.namespaced(news), forced=forced)
        return self._unready(target, news, live, found)

    def _unready(self, target: Target, news: Object, live: Object, found: Difference) -> Difference:
        """The annotation `pulumi.com/replaceUnready`: a Job that is not complete is made again."""
        if not objects.marked(news, objects.REPLACE_UNREADY):
            return found
        if objects.kind(news) != "Job":
            text = "the annotation pulumi.com/replaceUnready is for Jobs only"
            self.session.tell(target, text, status=False, warning=True)
            return found
        try:
            now = self.session.cluster.get(live)
        except (ApiError, UnknownKind, Unreachable):
            return found
        if now is None or objects.condition(now, "Complete").get("status") == "True":
            return found
        path = f'metadata.annotations["{objects.REPLACE_UNREADY}"]'
        return Difference(
            {**found.changes, path: Kind.UPDATE},
            found.replaces | {path},
            found.delete_before_replace or collides(live, news),
        )

    def create(self, target: Target, inputs: Props, preview: bool) -> tuple[str, Props]:
        if target.type == charts.RELEASE:
            return charts.write(self.session, target, inputs, {}, preview)
        if preview:
            return "", preview_create(self.session, target, inputs)
        return Writing(self.session, target, inputs).create()

    def read(self, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None:
        if target.type == charts.RELEASE:
            return charts.read(resource_id, state, inputs)
        return reading.read(self.session, target, resource_id, state, inputs)

    def update(
        self,
        target: Target,
        resource_id: str,  # noqa: ARG002
        state: Props,
        news: Props,
        old_inputs: Props,  # noqa: ARG002
        preview: bool,
    ) -> Props:
        if target.type == charts.RELEASE:
            return charts.write(self.session, target, news, state, preview)[1]
        paths = [steps(text) for text in getattr(self.call, "ignored", [])]
        ignored = [tuple(map(str, path)) for path in paths if all(isinstance(step, str) for step in path)]
        if preview:
            return preview_update(self.session, target, state, news, ignored)
        return Writing(self.session, target, news, state).update(ignored)

    def delete(self, target: Target, resource_id: str, state: Props) -> None:
        if target.type != charts.RELEASE:
            deleting.delete(self.session, target, resource_id, state)

    def invoke(self, token: str, args: Props, preview: bool) -> Props:  # noqa: ARG002
        return invokes.invoke(self.session, token, args)
