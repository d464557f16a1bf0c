"""How the benchmarks of this folder keep their results: JSON for programs, Markdown for people, both with the machine.

A file holds what was measured, when, on which machine and how busy it was. Nothing here judges a result.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent


def machine() -> dict[str, Any]:
    """What it ran on. `load` is the average over a minute: above the number of cores, others were running too."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": _cpu(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else "unknown"


def store(name: str, title: str, result: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Write `<name>.json` and `<name>.md`; print the JSON."""
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    where = result.get("machine", {})
    head = f"{where.get('date')}, {where.get('cores')} cores ({where.get('cpu')}), Python {where.get('python')}"
    page = [f"# {title}", "", f"{head}, load {where.get('load')}.", "", *lines, ""]
    for suffix, content in ((".json", text), (".md", "\n".join(page))):
        path = FOLDER / f"{name}{suffix}"
        part = path.with_name(f"{path.name}.part")
        part.write_text(content, encoding="utf-8")
        os.replace(part, path)
