"""Sections of the stack file that decide about money: which figures they may hold.

A stack file is checked when it is read; a plan of `pulumi preview --json` carries its configuration as text, which
nobody has looked at. A mistake in it must not take a discount or a limit away in silence.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from plan import SECRET
from terminal import InvalidInput

PROJECT = "ai-datacenter"
PURCHASES = ("on-demand", "spot", "capacity-block", "reserved", "reservation", "flex-start")
SCOPES = ("contract", "savings-plan", *PURCHASES)
"""What a discount may be for, besides a service and `pool-<name>`."""
HUNDRED = Decimal(100)


def section(config: Mapping[str, str], name: str) -> Mapping[str, Any]:
    """A section of the stack file; empty when it is absent or encrypted. Raises InvalidInput for one that is broken."""
    text = config.get(f"{PROJECT}:{name}")
    if text is None or text == SECRET:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            f"`{PROJECT}:{name}`: not valid JSON ({error}); the stack file holds a mapping there"
        ) from None
    if not isinstance(found, dict):
        raise InvalidInput(f"`{PROJECT}:{name}`: a mapping is expected, not {text}")
    return found


def discounts(given: Mapping[str, Any], services: Collection[str]) -> dict[str, Decimal]:
    """Per cent off by scope. Raises InvalidInput with every scope that does not exist and every other figure."""
    known = (*SCOPES, *services)
    problems = [
        f"`discounts.{scope}`: not a scope of a discount{near(scope, known)} (contract, savings-plan, a purchase "
        "model, pool-<name> or a service)"
        for scope in given
        if scope not in known and not scope.startswith("pool-")
    ]
    found = {}
    for scope, value in given.items():
        percent = number(value)
        if percent is None or percent > HUNDRED:
            problems.append(f"`discounts.{scope}`: {value!r} is not a number of per cent from 0 to 100")
        else:
            found[scope] = percent
    if problems:
        raise InvalidInput(problems)
    return found


def figures(name: str, given: Mapping[str, Any], known: Collection[str], others: Collection[str]) -> dict[str, Decimal]:
    """The limits of a section by key. Raises InvalidInput with every unknown key and every value that is no limit."""
    problems, found = [], {}
    for key, value in given.items():
        if key in known and value is not None:
            limit = number(value)
            if limit is None:
                problems.append(f"`{name}.{key}`: {value!r} is not a number of 0 or more")
            else:
                found[key] = limit
        elif key not in known and key not in others:
            problems.append(f"`{name}.{key}`: there is no such limit{near(key, known)}")
    if problems:
        raise InvalidInput(problems)
    return found


def number(value: Any) -> Decimal | None:
    """A number of 0 or more; None for anything else."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return None if isinstance(value, bool) or not found.is_finite() or found < 0 else found


def near(word: str, known: Collection[str]) -> str:
    """`; did you mean ...?`, where something known is like it."""
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""
