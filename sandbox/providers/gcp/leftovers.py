"""What is recorded of Google Cloud, and what of it nobody manages.

Every record carries the URN of its resource, so what a killed update left behind is found without a tag.
"""

from __future__ import annotations

from collections.abc import Collection

from sandbox.gcp.store import Recorded, Store
from sandbox.settings import Settings


def inventory(settings: Settings) -> dict[str, list[str]]:
    """Ids by "google noun" (`google compute network`). Empty when nothing is recorded."""
    found: dict[str, list[str]] = {}
    for entry in Store.of(settings).all():
        found.setdefault(f"google {entry.type.split(':')[1].replace('/', ' ')}", []).append(entry.id)
    return {kind: sorted(ids) for kind, ids in found.items()}


def unmanaged(settings: Settings, stack: str, managed: Collection[tuple[str, str]]) -> list[Recorded]:
    """Records of a stack that its state (`managed`: pairs of type and id) does not know."""
    ours = [entry for entry in Store.of(settings).all() if entry.urn.startswith(f"urn:pulumi:{stack}::")]
    return [entry for entry in ours if (entry.type, entry.id) not in managed]


def remove(settings: Settings, entries: Collection[Recorded]) -> None:
    """Forget records. Nothing refuses: what hangs on what matters to nobody any more."""
    store = Store.of(settings)
    for entry in entries:
        store.remove(entry.type, entry.id)
