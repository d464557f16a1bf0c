"""Create and update: server-side apply, then wait until the object is ready.

A creation first asks for a dry run, which says whether the object exists and reports every wrong field at once (apply
stops at the first). An object that exists is an error as in the official provider, unless this very resource made it
in an update that was killed: then it is taken over, so that the next update goes on without manual repair.
"""

from __future__ import annotations

from sandbox.providers.kubernetes import checkpoint, objects, ownership, readiness
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind
from sandbox.providers.kubernetes.naming import FIELD_MANAGER, field_manager
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.readiness.waiting import NotReady, Waiter
from sandbox.providers.kubernetes.session import Session, explained
from sandbox.providers.protocol import Fail, HalfMade, Props, Target

EXISTS = (
    "the object is in the cluster, not in this stack. Give the resource another name, import it with `pulumi import`, "
    "patch it with the kind's Patch resource, or set upsertExistingObjects on the provider"
)
CONFLICT = (
    'Another field manager owns what this update changes. Set the annotation pulumi.com/patchForce to "true" on the '
    "resource to take those fields over, or leave them out of the program"
)


def desired(inputs: Object, namespaced: bool, default_namespace: str) -> Object:
    """The object to send: the API's keys, no read-only metadata, its namespace written out."""
    result = objects.to_api(inputs)
    metadata = result["metadata"]
    for field in objects.READ_ONLY_METADATA:
        metadata.pop(field, None)
    if namespaced:
        metadata.setdefault("namespace", default_namespace)
    return result


class Writing:
    """One create or update of one resource."""

    def __init__(self, session: Session, target: Target, inputs: Object, state: Props | None = None) -> None:
        self.session, self.target, self.inputs, self.old_state = session, target, inputs, state or {}
        self.cluster = session.cluster
        self.object = desired(inputs, session.namespaced(inputs), self.cluster.namespace)
        self.manager = field_manager(target.urn, inputs, self.old_state)
        self.is_patch = objects.is_patch(target.type, objects.kind(inputs))
        self.force = session.options.enable_patch_force or objects.marked(inputs, objects.PATCH_FORCE)
        try:
            self.rule = None if self.is_patch else readiness.rule(inputs)
        except ValueError as error:
            raise Fail(f"{objects.label(self.object)}: {error}") from None
        default = self.rule.seconds if self.rule else readiness.DEFAULT_SECONDS
        self.seconds = readiness.seconds(inputs, target.timeout, default)

    def create(self) -> tuple[str, Props]:
        """Make the object; its id and state. Raises `HalfMade` when it does not become ready."""
        waiter = self.session.waiter(self.target, self.seconds)
        with explained(self.object, _hint):
            made = waiter.repeat(lambda: self._make(waiter), _comes_later)
        live = self._ready(waiter, made, None, "created")
        return objects.identity(live), self._state(live)

    def update(self, ignored: list[tuple[str, ...]]) -> Props:
        """Apply the inputs to the existing object; its new state. `ignored`: field paths that must keep their live
        value.
        """
        waiter = self.session.waiter(self.target, self.seconds)
        with explained(self.object, _hint):
            before = self.cluster.get(self.object)
            if before is None:
                raise Fail(f"{objects.label(self.object)}: it is no longer in the cluster; run `pulumi refresh` first")
            made = self._change(before, ignored)
        live = self._ready(waiter, made, before, "updated")
        self._release(live)
        return self._state(live)

    # Creation.

    def _make(self, waiter: Waiter) -> Object:
        if not (self.is_patch or self.session.options.upsert_existing_objects):
            try:
                self.cluster.create(self.object, self.manager, dry_run=True)
            except ApiError as error:
                if error.already_exists or error.dry_run_unsupported:
                    return self._adopt(waiter)
                raise
        return self.cluster.apply(self.object, self.manager, force=self.force)

    def _adopt(self, waiter: Waiter) -> Object:
        """Create the object where one of its name may be there already."""
        live = self.cluster.get(self.object)
        if live is not None and objects.metadata(live).get("deletionTimestamp"):
            self._gone(waiter, live)
        elif live is not None:
            if not ownership.managed_by(live, self.manager):
                raise Fail(f"{objects.label(self.object)}: AlreadyExists: {EXISTS}")
            try:
                return self.cluster.apply(self.object, self.manager, force=self.force)
            except ApiError as error:
                if not error.immutable:
                    raise
            # Left by a killed update of an older program, and cannot become what is wanted now.
            self.cluster.delete(live, "Foreground")
            self._gone(waiter, live)
        return self.cluster.apply(self.object, self.manager, force=self.force)

    def _gone(self, waiter: Waiter, live: Object) -> None:
        reasons = waiter.until_gone(live)
        if reasons:
            raise Fail(f"{objects.label(live)}: an object of this name is still there: {'; '.join(reasons)}")

    # Update.

    def _change(self, before: Object, ignored: list[tuple[str, ...]]) -> Object:
        if objects.is_definition(self.object):
            # As the official provider: the definition is replaced in place, which never touches its objects.
            version = {"resourceVersion": objects.metadata(before).get("resourceVersion")}
            return self.cluster.replace(
                self.object | {"metadata": objects.metadata(self.object) | version}, self.manager
            )
        if not self.is_patch:
            before = self._take_over(before)
        wanted = ownership.ignore(self.object, before, self.manager, ignored)
        return self.cluster.apply(wanted, self.manager, force=self.force)

    def _take_over(self, before: Object) -> Object:
        """Make fields that client-side tools own ours, so that applying them is no conflict."""
        for attempt in range(3):
            operations = ownership.take_over(before, self.manager)
            if operations is None:
                break
            try:
                return self.cluster.patch(before, operations)
            except ApiError as error:
                if not error.conflict or attempt == 2:
                    raise
            before = self.cluster.get(before) or before
        return before

    def _release(self, live: Object) -> None:
        """Give up the fields of the former field manager when the annotation named another one."""
        former = self.old_state.get(FIELD_MANAGER)
        if former and former != self.manager:
            with explained(self.object, _hint):
                self.cluster.apply(bare(live), former)

    # Both.

    def _ready(self, waiter: Waiter, made: Object, before: Object | None, verb: str) -> Object:
        if self.rule is None:
            return made
        try:
            return waiter.until_ready(made, self.rule.check, before)
        except NotReady as error:
            first, *rest = error.reasons
            reasons = [f"{objects.label(made)} was {verb} but is not ready: {first}", *rest]
            raise HalfMade(objects.identity(made), self._state(error.live), self.inputs, reasons) from None

    def _state(self, live: Object) -> Props:
        initial = str(self.old_state.get(checkpoint.INITIAL_API_VERSION) or "")
        return checkpoint.state(self.inputs, live, self.manager, initial)


def bare(obj: Object) -> Object:
    """An object with its identity only: applied, it gives up every field its manager owned."""
    metadata = {key: value for key, value in objects.metadata(obj).items() if key in ("name", "namespace")}
    return {"apiVersion": objects.api_version(obj), "kind": objects.kind(obj), "metadata": metadata}


def _hint(error: ApiError) -> str:
    return CONFLICT if error.conflict else ""


def _comes_later(error: Exception) -> bool:
    """Whether what is missing may appear while other resources are created: namespace, custom kind, default service
    account.
    """
    if isinstance(error, ApiError):
        return error.not_found or "error looking up service account" in error.message
    return isinstance(error, UnknownKind) and not error.built_in
