"""What all operations of one provider process share: the cluster, the options, cancellation, and the line to the
user.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from sandbox.providers.kubernetes import kubeconfig, objects
from sandbox.providers.kubernetes.cluster import Cluster
from sandbox.providers.kubernetes.configuration import Options, options
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.readiness.waiting import Waiter
from sandbox.providers.protocol import Fail, Props, Target

NO_CLUSTER = "no cluster is configured: give kubernetes.Provider the kubeconfig of the local stack, or set KUBECONFIG"


class Tell(Protocol):
    """Shows a line beside a resource: while it is worked on, or kept in the diagnostics."""

    def __call__(self, target: Target, message: str, *, status: bool = True, warning: bool = False) -> None: ...


def _silent(target: Target, message: str, *, status: bool = True, warning: bool = False) -> None:
    """Where no engine listens."""


class Session:
    """One configured provider. A kubeconfig that cannot be used is an error at the first use of the cluster, not
    before: functions that need none (yaml decoding) still work.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.tell: Tell = _silent
        self.options = Options()
        self._cluster: Cluster | None = None
        self._reason = NO_CLUSTER
        self._scopes: dict[tuple[str, str], bool] = {}
        self._warned = False
        self._lock = threading.Lock()

    def configure(self, args: Props) -> None:
        """Take the provider's arguments; without a kubeconfig the one of the environment counts."""
        self.options = options(args)
        try:
            given = args.get("kubeconfig") or kubeconfig.ambient()
            if given:
                config = kubeconfig.load(given, args.get("context"), args.get("cluster"))
                self._cluster = Cluster(config, self.cancelled)
                self._cluster.namespace = args.get("namespace") or config.namespace
        except Fail as error:
            self._reason = str(error)

    @property
    def cluster(self) -> Cluster:
        """The cluster. Raises `Fail` when there is none that may be used."""
        if self._cluster is None:
            raise Fail(self._reason)
        return self._cluster

    # Scopes.

    def announce(self, definition: Object) -> None:
        """Remember the scope of a custom kind that the program defines, for objects checked before it is created."""
        spec = objects.members(definition.get("spec"))
        key = str(spec.get("group")), str(objects.pluck(spec, "names", "kind"))
        with self._lock:
            self._scopes[key] = spec.get("scope") == "Namespaced"

    def namespaced(self, obj: Object) -> bool:
        """Whether objects of this kind lie in a namespace; unknown custom kinds count as namespaced, as in the
        official provider.
        """
        version, kind = objects.api_version(obj), objects.kind(obj)
        if objects.built_in(version):
            return kind not in objects.CLUSTER_SCOPED
        with self._lock:
            known = self._scopes.get((objects.group(version), kind))
        if known is not None:
            return known
        try:
            return self.cluster.kind(version, kind).namespaced
        except (ApiError, UnknownKind, Unreachable):
            return True

    # Talk and waits.

    def waiter(self, target: Target, seconds: float) -> Waiter:
        def show(status: str) -> None:
            self.tell(target, status)

        return Waiter(self.cluster, self.cancelled, show, seconds)

    def warn_once(self, target: Target, message: str) -> None:
        """A warning that would be the same for every resource."""
        with self._lock:
            first, self._warned = not self._warned, True
        if first:
            self.tell(target, message, status=False, warning=True)


@contextmanager
def explained(obj: Object, hint: Callable[[ApiError], str] = lambda _: "") -> Iterator[None]:
    """Turn what the API says into one line about `obj`."""
    try:
        yield
    except ApiError as error:
        raise error.fail(obj, hint(error)) from None
    except UnknownKind as error:
        raise Fail(f"{objects.label(obj)}: {error}") from None
    except Unreachable as error:
        raise Fail(f"{objects.label(obj)}: {error}. Start the local cloud with `python -m sandbox up`") from None
