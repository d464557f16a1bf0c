"""Check: the program's inputs with a name and a namespace, and what is wrong with them before anything is created."""

from __future__ import annotations

import copy

from sandbox.providers.kubernetes import naming, objects
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.protocol import Fail, Naming, Problem, Target
from sandbox.providers.wire import unknown


def check(
    session: Session, target: Target, olds: Object, news: Object, seed: bytes, rule: Naming | None
) -> tuple[Object, list[Problem]]:
    """The inputs the later calls get. Values are left as they were written: only names and defaults are added."""
    cluster = session.cluster
    if objects.is_list(target.type):
        raise Fail(f"{target.type}: list resources cannot be created; create the listed objects one by one")
    inputs = copy.deepcopy(news)
    version, kind = objects.from_type(target.type)
    inputs.setdefault("apiVersion", version)
    inputs.setdefault("kind", kind)
    if objects.api_version(inputs).startswith("core/"):
        inputs["apiVersion"] = objects.api_version(inputs).removeprefix("core/")
    metadata = inputs.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        problem = Problem("metadata", "must be an object")
        return inputs, [] if unknown(metadata) else [problem]
    for field in objects.READ_ONLY_METADATA:
        metadata.pop(field, None)
    if objects.annotation(inputs, objects.AUTONAMED):
        text = f'ignoring user-specified value for internal annotation "{objects.AUTONAMED}"'
        session.tell(target, text, status=False, warning=True)
    if objects.is_patch(target.type, objects.kind(inputs)) and not metadata.get("name"):
        return inputs, [Problem("metadata.name", "patch resources need the name of the object to patch")]
    naming.assign(inputs, olds, target.name, seed, rule)
    if not metadata.get("namespace") and session.namespaced(inputs):
        metadata["namespace"] = cluster.namespace
    if objects.is_definition(inputs):
        session.announce(inputs)
    return inputs, []
