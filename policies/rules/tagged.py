"""Types of pulumi-aws that take tags: `tagged.json` beside the pack, read off the SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

FILE = Path(__file__).resolve().parent.parent / "tagged.json"
TAGGED: Final[frozenset[str]] = frozenset(json.loads(FILE.read_text(encoding="utf-8"))["types"])
