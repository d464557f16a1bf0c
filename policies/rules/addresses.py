"""Networks: whether what a rule names is every address there is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from .model import UNKNOWN, CannotTell, Reading, View

SHORT = re.compile(r".*/0*[0-7]$")
"""Only networks with a short prefix can make up the world; parsing all others would cost time and tell nothing."""
WHOLE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


def everybody(networks: Iterable[object]) -> bool:
    """Whether networks are all addresses together, however they are written: `0::/0`, or the two halves of IPv4."""
    found = list(_networks(networks))
    return any(
        whole in ipaddress.collapse_addresses(entry for entry in found if entry.version == whole.version)  # type: ignore[type-var]
        for whole in WHOLE
    )


def _networks(texts: Iterable[object]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for text in texts:
        if isinstance(text, str) and SHORT.match(text):
            try:
                yield ipaddress.ip_network(text, strict=False)
            except ValueError:
                continue


def column(reading: Reading, path: str, key: str) -> View:
    """The networks that stand under a key of the objects of a list, as one list under that key."""
    items = [item.get(key) if isinstance(item, Mapping) else item for item in reading.all(path)]
    return View({key: items}, path)


def open_to_everybody(rule: Reading, *paths: str) -> bool:
    """Whether the networks at these paths are all addresses. Unknown ones matter only where the known ones are not."""
    known: list[object] = []
    doubt = ""
    for path in paths:
        try:
            found = rule.all(path)
        except CannotTell as unknown:
            doubt = doubt or unknown.path
            continue
        known += [entry for entry in found if entry is not UNKNOWN]
        if any(entry is UNKNOWN for entry in found):
            doubt = doubt or f"{rule.where}.{path}".lstrip(".")
    if everybody(known):
        return True
    if doubt:
        raise CannotTell(doubt)
    return False
