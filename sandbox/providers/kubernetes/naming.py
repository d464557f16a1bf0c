"""Names the provider gives: `name-<8 hex digits>` where the program gave none, and who applied an object (the field
manager).
"""

from __future__ import annotations

import hashlib

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.protocol import Fail, Naming, Props
from sandbox.providers.wire import unknown

FIELD_MANAGER = "__fieldManager"


def assign(inputs: Object, olds: Object, resource: str, seed: bytes, rule: Naming | None) -> None:
    """Give `inputs` a name if it has none: the one in `olds` if that was generated, else a fresh one.

    A generated name is marked with the annotation `pulumi.com/autonamed`, so that a replacement may have another
    name. Raises `Fail` where automatic names are not possible.
    """
    if not _nameable(inputs):
        return
    if inputs["metadata"].get("generateName"):
        raise Fail(
            "the `.metadata.generateName` field is not supported in Server-Side Apply mode; use .metadata.name or none"
        )
    if olds:
        if not objects.marked(olds, objects.AUTONAMED):
            return
        own = objects.name(olds)
    elif rule and rule.disabled:
        raise Fail("autonaming is disabled, resource requires the .metadata.name field to be set")
    else:
        own = rule.proposed if rule and rule.proposed else f"{resource}-{seed.hex()[:8]}"
    inputs["metadata"]["name"] = own
    annotations = inputs["metadata"].setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[objects.AUTONAMED] = "true"


def _nameable(inputs: Object) -> bool:
    known = inputs.setdefault("metadata", {})
    return isinstance(known, dict) and "name" not in known and not unknown(known.get("generateName"))


def field_manager(urn: str, inputs: Object, state: Props) -> str:
    """The server-side apply field manager: from the annotation `pulumi.com/patchFieldManager`, else as in the state,
    else from the URN.

    The official provider draws a random one; a hash of the URN stays the same when an update was killed before the
    state was written, so that the object it left is recognised as this resource's own.
    """
    given = objects.annotation(inputs, objects.PATCH_FIELD_MANAGER) or state.get(FIELD_MANAGER)
    return str(given) if given else f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"
