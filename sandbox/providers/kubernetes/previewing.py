"""Previews by server-side dry run: defaults show up, and what the server would refuse (unknown fields, bad values,
quota, pod security) is refused before anything is created.

Where a dry run is not possible the inputs are the preview: something is unknown, the namespace or the custom kind is
not there yet, the user may not write, or the cluster does not answer.
"""

from __future__ import annotations

import copy

from sandbox.providers.kubernetes import checkpoint, objects, ownership
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.session import Session, explained
from sandbox.providers.kubernetes.writing import CONFLICT, Writing
from sandbox.providers.protocol import Props, Target
from sandbox.providers.wire import unknown

_WORKLOADS = ("Pod", "Job", "CronJob", "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")


def preview_create(session: Session, target: Target, inputs: Object) -> Props:
    """What the object will be."""
    if unknown(inputs):
        return inputs
    writing = Writing(session, target, inputs)
    if writing.is_patch:
        return inputs
    with explained(writing.object):
        try:
            made = session.cluster.create(writing.object, writing.manager, dry_run=True)
        except ApiError as error:
            if error.already_exists:
                _validate_replacement(session, writing)
                return inputs
            if error.not_found or error.not_allowed or error.dry_run_unsupported:
                return inputs
            raise
        except UnknownKind as error:
            if error.built_in:
                raise
            return inputs
        except Unreachable as error:
            session.warn_once(target, f"{error}; the preview shows the program's inputs only")
            return inputs
    return checkpoint.preview_state(inputs, made, writing.manager)


def _validate_replacement(session: Session, writing: Writing) -> None:
    """The object will be deleted first, so a dry run under its own name cannot work: try another name, for the errors
    only.
    """
    if objects.kind(writing.object) not in _WORKLOADS:
        return  # other kinds may need their very name or address
    other = copy.deepcopy(writing.object)
    other["metadata"]["name"] = f"{objects.name(other)[:40]}-preview"
    try:
        session.cluster.create(other, writing.manager, dry_run=True)
    except ApiError as error:
        if error.status in (400, 422) and not error.already_exists:
            raise


def preview_update(
    session: Session, target: Target, state: Props, news: Object, ignored: list[tuple[str, ...]]
) -> Props:
    """What the object will become."""
    if unknown(news):
        return news
    writing = Writing(session, target, news, state)
    with explained(writing.object, lambda error: CONFLICT if error.conflict else ""):
        try:
            before = session.cluster.get(writing.object)
            if before is None:
                return news
            made = _dry_run(session, writing, before, ignored)
        except ApiError as error:
            if error.not_allowed or error.dry_run_unsupported:
                return news
            raise
        except UnknownKind:
            return news
        except Unreachable as error:
            session.warn_once(target, f"{error}; the preview shows the program's inputs only")
            return news
    return checkpoint.state(news, made, writing.manager, str(state.get(checkpoint.INITIAL_API_VERSION) or ""))


def _dry_run(session: Session, writing: Writing, before: Object, ignored: list[tuple[str, ...]]) -> Object:
    if objects.is_definition(writing.object):
        version = {"resourceVersion": objects.metadata(before).get("resourceVersion")}
        wanted = writing.object | {"metadata": objects.metadata(writing.object) | version}
        return session.cluster.replace(wanted, writing.manager, dry_run=True)
    wanted = ownership.ignore(writing.object, before, writing.manager, ignored)
    # Fields of client-side tools are taken over before the real update; a dry run cannot do that first.
    force = writing.force or (not writing.is_patch and ownership.takes_over(before, writing.manager))
    return session.cluster.apply(wanted, writing.manager, force=force, dry_run=True)
