"""The worker of a rank: measures part after part and writes one JSON line per finding to its standard output.

A process of its own, because a collective may hang and the libraries end the process when another rank dies. With
torch there is one worker per accelerator, started by torchrun; the first of a rank speaks for all of them.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from . import metadata, options, storage
from .settings import Settings
from .unavailable import Unavailable

Finding = dict[str, Any]


def backend(settings: Settings) -> str:
    """jax or torch. Found without importing either: that takes seconds."""
    if settings.backend != "auto":
        return settings.backend
    return "jax" if importlib.util.find_spec("jax") else "torch"


def run(settings: Settings, out: TextIO) -> None:
    """Measure everything asked for. Whatever goes wrong is raised; what cannot be had here is told."""
    library = importlib.import_module(f"{__package__}.on_{backend(settings)}")
    with library.Session(settings) as session:
        speak = out if session.leads else None
        _tell(speak, "software", session.software())
        for part in settings.parts:
            session.meet()
            try:
                for finding in _findings(part, library, session, settings):
                    _tell(speak, "figure", {"part": part, **finding})
            except Unavailable as reason:
                _tell(speak, "skipped", {"part": part, "why": str(reason)})
        _tell(speak, "done", {"pid": os.getpid()})


def _findings(part: str, library: Any, session: Any, settings: Settings) -> Iterator[Finding]:
    if part in library.PARTS:
        yield from library.PARTS[part](session, settings)
    elif part == "storage":
        if session.leads:
            yield from storage.measure(settings.storage, settings.file_bytes or options.file_bytes(session.on_cpu))
    elif part == "metadata":
        if session.leads:
            yield metadata.measure(settings.storage, options.files(session.on_cpu))
    else:
        raise Unavailable(library.MISSING)


def main(settings: Settings) -> None:
    # What libraries print must not get between the findings.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    run(settings, out)


def _tell(out: TextIO | None, kind: str, finding: Finding) -> None:
    if out:
        out.write(json.dumps({"kind": kind, **finding}) + "\n")
        out.flush()
