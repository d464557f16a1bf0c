"""Settings of a provider as the engine passes them."""

from __future__ import annotations

import json
from typing import Any


def parsed(value: Any) -> Any:
    """Provider settings arrive as text, objects and lists in JSON."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def given(value: Any) -> bool:
    """Whether a setting says anything."""
    return parsed(value) not in (None, "", [], {}, [{}])
