"""Tokens a second that a pool makes: given by hand, or read from what a training run or a plan wrote.

Without it nothing about tokens is shown: no throughput is assumed.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from cost.model import Estimate
from terminal import InvalidInput

KEY = "tokens_per_second"


def given(estimate: Estimate, figures: Sequence[str], file: Path | None) -> dict[str, Decimal]:
    """Tokens a second by pool. A figure is `POOL=N`, or `N` where only one pool has accelerators.

    Raises InvalidInput for a pool that the estimate does not have, and for what is not a positive number.
    """
    pools = [pool.pool for pool in estimate.power.pools if pool.accelerators]
    found: dict[str, Decimal] = {}
    problems: list[str] = []
    entries = [(f"--tokens-per-second {text}", *_parted(text)) for text in figures]
    if file is not None:
        entries.append((str(file), *read(file)))
    for origin, name, value in entries:
        pool = name or (pools[0] if len(pools) == 1 else "")
        number = _number(value)
        if pool not in pools:
            known = ", ".join(pools) or "none"
            problems.append(f"{origin}: name a pool with accelerators, POOL=N; the estimate has: {known}")
        elif number is None:
            problems.append(f"{origin}: {value} is not a positive number of tokens a second")
        else:
            found[pool] = number
    if problems:
        raise InvalidInput(problems)
    return found


def _parted(text: str) -> tuple[str, str]:
    pool, sign, value = text.rpartition("=")
    return (pool.strip(), value.strip()) if sign else ("", text.strip())


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 and not isinstance(value, bool) else None


def read(path: Path) -> tuple[str, Any]:
    """Pool, or an empty text, and tokens a second of a JSON file, or the median of the lines of metrics.jsonl."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise InvalidInput(f"{path}: cannot be read ({reason})") from None
    try:
        document = json.loads(text)
        documents = [document]
    except ValueError:
        documents = list(_lines(text, path))
    found = [entry for each in documents for entry in _entries(each)]
    speeds = [float(speed) for _, speed in found if isinstance(speed, (int, float)) and speed > 0]
    if not speeds:
        raise InvalidInput(f"{path}: no {KEY} above 0 in it; it must be the result or the metrics.jsonl of a run")
    return next((pool for pool, _ in found if pool), ""), statistics.median(speeds)


def _lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                raise InvalidInput(f"{path} line {number}: not JSON") from None


def _entries(document: Any) -> Iterator[tuple[str, Any]]:
    """Wherever the figure stands: at the top, or in a part such as `result` or `throughput`."""
    if isinstance(document, Mapping):
        if KEY in document:
            yield str(document.get("pool") or ""), document[KEY]
        else:
            for part in document.values():
                yield from _entries(part)
