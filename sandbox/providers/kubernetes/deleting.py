"""Delete: ask for it, then wait until the object is gone. A patch resource gives up its fields and leaves the object
alone.
"""

from __future__ import annotations

from sandbox.providers.kubernetes import checkpoint, objects, readiness
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.naming import field_manager
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.reading import cluster_gone
from sandbox.providers.kubernetes.session import Session, explained
from sandbox.providers.kubernetes.writing import bare
from sandbox.providers.protocol import Fail, Props, Target

_POLICIES = {"orphan": "Orphan", "background": "Background"}
_NO_WAIT_ON_SKIP = ("Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job")
"""Kinds whose annotation skipAwait also skips the wait for their deletion (the official provider keeps this for
compatibility).
"""


def delete(session: Session, target: Target, identity: str, state: Props) -> None:
    """Delete the object of a resource. One that is gone already, or whose kind is, counts as deleted."""
    inputs = checkpoint.inputs_of(state)
    version, kind = objects.from_type(target.type)
    space, name = objects.parse_identity(identity)
    obj: Object = {
        "apiVersion": objects.api_version(state) or version,
        "kind": objects.kind(state) or kind,
        "metadata": {"name": name} | ({"namespace": space} if space else {}),
    }
    with explained(obj):
        try:
            if objects.is_patch(target.type, objects.kind(obj)):
                _relinquish(session, obj, field_manager(target.urn, inputs, state))
            else:
                _delete(session, target, obj, inputs)
        except UnknownKind:
            return
        except (Unreachable, ApiError) as error:
            if not cluster_gone(session, target, error):
                raise


def _delete(session: Session, target: Target, obj: Object, inputs: Object) -> None:
    live = session.cluster.get(obj)
    if live is None:
        return
    policy = _POLICIES.get(objects.annotation(inputs, objects.DELETION_PROPAGATION).lower(), "Foreground")
    try:
        session.cluster.delete(obj, policy)
    except ApiError as error:
        if error.not_found:
            return
        raise
    if objects.marked(inputs, objects.SKIP_AWAIT) and objects.kind(obj) in _NO_WAIT_ON_SKIP:
        return
    seconds = readiness.seconds(inputs, target.timeout, readiness.DEFAULT_SECONDS)
    reasons = session.waiter(target, seconds).until_gone(live)
    if reasons:
        raise Fail(f"{objects.label(obj)}: {'; '.join(reasons)}")


def _relinquish(session: Session, obj: Object, manager: str) -> None:
    if session.cluster.get(obj) is None:
        return
    try:
        session.cluster.apply(bare(obj), manager)
    except ApiError as error:
        if error.status == 422 and "Required value" in error.message:
            raise Fail(
                f"{objects.label(obj)}: this Patch resource manages a required field, so it can't be deleted directly: "
                f"{error.explanation}. Set the option retainOnDelete, or transfer ownership of the field first"
            ) from None
        raise
