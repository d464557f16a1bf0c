"""Where things lie in an image: a walk over folders that meets every file once, whatever links lead to it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

HOMES = ("root", "home", "etc/ssh", "opt", "app", "workspace", "srv")
LIBRARIES = ("usr/lib", "usr/lib64", "usr/local", "opt")
OTHERS = frozenset({"test", "tests", "testdata", "certdata"})
"""Folders of test data: Python's own tests bring keys that open nothing."""


def below(
    root: Path, folders: Iterable[str], name: re.Pattern[str], closed: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Files by name below folders of an image. `closed` is told of folders that this user may not look into."""
    seen = set()
    for folder in folders:
        for place, inner, names in os.walk(root / folder, onerror=closed):
            inner[:] = sorted(set(inner) - OTHERS)
            for path in (Path(place, one) for one in sorted(names) if name.search(one)):
                real = path.resolve()
                if real.is_file() and real not in seen:
                    seen.add(real)
                    yield path
