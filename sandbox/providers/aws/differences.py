"""Diff by the table: what changed, what forces a replacement, and whether the old one must go first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.providers import wire
from sandbox.providers.aws.compare import equivalent, harmonised, trimmed
from sandbox.providers.aws.inputs import GENERATED, UNFINISHED, without_hidden
from sandbox.providers.aws.record import Record, Resource
from sandbox.providers.difference import Difference, Kind, changes, root


def difference(
    record: Record,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    state: Mapping[str, Any],
    tags_all: Mapping[str, str],
    view: Any,
) -> Difference:
    """`old` and `new` inputs, outputs `state`, and the tags `tags_all` that the new inputs give (provider defaults
    included).

    `view(inputs)` makes a `Resource` of inputs.
    """
    # A value that is the default anyway is no change, given or not.
    before, after = ({**record.defaults, **trimmed(without_hidden(dict(inputs)))} for inputs in (old, new))
    after = _filled(after, before, record.computed)
    found = changes(before, harmonised(before, after))
    forcing = frozenset(path for path in found if _forces(record, path)) | frozenset(
        path for path in found if root(path) in set(record.replaces(before, after))
    )
    from_state: frozenset[str] = frozenset()
    if (
        record.tagging
        and "tags" not in {root(path) for path in found}
        and not equivalent(state.get("tagsAll"), tags_all)
    ):
        found["tagsAll"] = Kind.UPDATE
        from_state = frozenset({"tagsAll"})
    if state.get(UNFINISHED):
        found[UNFINISHED] = Kind.UPDATE
        from_state |= {UNFINISHED}
    first = bool(forcing) and _collides(record, view(old), view(new), old, new)
    return Difference(found, forcing, first, from_state)


def _filled(new: dict[str, Any], old: Mapping[str, Any], computed: tuple[str, ...]) -> dict[str, Any]:
    """`new` with the values of `old` for everything in `computed` that it does not give."""
    result = dict(new)
    for path in computed:
        name, _, rest = path.partition(".")
        if rest:
            inner, known = result.get(name), old.get(name)
            if isinstance(inner, Mapping) and isinstance(known, Mapping):
                result[name] = _filled(dict(inner), known, (rest,))
        elif name not in result and name in old:
            result[name] = old[name]
    return result


def _forces(record: Record, path: str) -> bool:
    plain = path.split("[", maxsplit=1)[0] if path.startswith(("tags[", "labels[")) else path
    for forced in ("region", *record.force):
        if plain == forced or plain.startswith((f"{forced}.", f"{forced}[")) or forced.startswith(f"{plain}."):
            return True
    return False


def _collides(
    record: Record, old: Resource, new: Resource, before: Mapping[str, Any], after: Mapping[str, Any]
) -> bool:
    """Whether old and new could not exist side by side: a chosen name stays, or both would have the same id."""
    if record.naming:
        name = record.naming.input
        return (
            name not in after.get(GENERATED, [])
            and not wire.unknown(after.get(name))
            and before.get(name) == after.get(name)
        )
    if record.identity:
        first, second = record.identity(old), record.identity(new)
        return first == second and not wire.unknown(second)
    return False
