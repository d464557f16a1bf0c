"""Read: refresh, import, `get`.

A refresh brings drift into the inputs, for the fields the program set. An import or `get` has no inputs and takes the
live object without what the server filled in.
"""

from __future__ import annotations

from sandbox.providers.kubernetes import checkpoint, objects, readiness
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.naming import field_manager
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.readiness.waiting import Around
from sandbox.providers.kubernetes.session import Session, explained
from sandbox.providers.protocol import Fail, HalfMade, Live, Props, Target

DELETE_UNREACHABLE = (
    "If the cluster was deleted, run again with the environment variable PULUMI_K8S_DELETE_UNREACHABLE=true "
    "to remove its resources from the state"
)


def read(session: Session, target: Target, identity: str, state: Props, inputs: Object) -> Live | None:
    """The object as it is now, None when it (or its kind) is gone. Raises `HalfMade` when it is there but not ready."""
    wanted = _reference(target, identity, state, inputs)
    with explained(wanted):
        try:
            live = session.cluster.get(wanted)
        except UnknownKind:
            live = None
        except (Unreachable, ApiError) as error:
            if cluster_gone(session, target, error):
                return None
            raise
        if live is None:
            return None
        manager = field_manager(target.urn, inputs, state)
        before = checkpoint.live_object(state) if checkpoint.inputs_of(state) else {}
        current = checkpoint.overlay(inputs, before, live) if inputs else checkpoint.imported(live)
        initial = str(state.get(checkpoint.INITIAL_API_VERSION) or "")
        result = Live(identity, checkpoint.state(current, live, manager, initial), current)
        if inputs and not objects.is_patch(target.type, objects.kind(wanted)):
            _check_ready(session, live, inputs, result)
    return result


def cluster_gone(session: Session, target: Target, error: Unreachable | ApiError) -> bool:
    """Whether the error means "the cluster is gone", because the user said so (`deleteUnreachable`).

    An API server that does not answer may be gone; so may one that knows nobody: when an emulated EKS cluster is
    deleted, its API server goes on and refuses every token. Raises `Fail` when the user did not say so.
    """
    unknown_user = isinstance(error, ApiError) and error.status == 401
    if not (isinstance(error, Unreachable) or unknown_user):
        return False
    if session.options.delete_unreachable:
        session.tell(target, f"{error}; removed from the state as deleteUnreachable asks", status=False, warning=True)
        return True
    if unknown_user:
        return False
    raise Fail(f"{error}. {DELETE_UNREACHABLE}") from None


def _reference(target: Target, identity: str, state: Props, inputs: Object) -> Object:
    space, name = objects.parse_identity(identity)
    if not name:
        raise Fail(f"{identity or '(empty)'} is not an id: give namespace/name, or name for cluster-scoped kinds")
    version, kind = objects.from_type(target.type)
    version = objects.api_version(inputs) or objects.api_version(state) or version
    metadata = {"name": name} | ({"namespace": space} if space else {})
    return {"apiVersion": version, "kind": objects.kind(inputs) or objects.kind(state) or kind, "metadata": metadata}


def _check_ready(session: Session, live: Object, inputs: Object, result: Live) -> None:
    try:
        rule = readiness.rule(inputs)
    except ValueError:
        return  # an update will say so
    if rule is None or not rule.read:
        return
    try:
        progress = rule.check(live, Settled(session.cluster, live, live))
    except (ApiError, UnknownKind):
        return  # may not look at its pods: cannot tell
    if not progress.ready:
        text = f"{objects.label(live)} is not ready: {progress.status or 'it failed'}"
        reasons = list(dict.fromkeys([text, *progress.problems]))
        raise HalfMade(result.id, result.state, result.inputs, reasons)


class Settled(Around):
    """Surroundings for one look: whatever is seen has been so for long enough."""

    def stable_for(self, view: object) -> float:  # noqa: ARG002
        return float("inf")
