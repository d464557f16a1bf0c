"""An estimate as one HTML file: no network, no library; sortable, foldable, light and dark, printable.

The template lays it out; the numbers stand in the page as text (readable without JavaScript) and, for its script, in
`data-` attributes. Charts are inline SVG, computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from cost import units
from cost.difference import Difference
from cost.document import money
from cost.model import Estimate, Line, total
from cost.table import grouping, groups, is_old, summary
from cost.words import figure, grounds, kilowatts, machines, number, paid_ahead, rise, risen, signed, usd

TEMPLATE = "page.html.jinja"
WIDTH, HEIGHT = 1000.0, 360.0
"""Drawing units of the tree map; it scales to the page."""
SHADES = 8
"""Colours that the style sheet has for groups; the dearest have one each, the rest shares the last."""


@dataclass(frozen=True)
class Tile:
    """A rectangle of the tree map."""

    x: float
    y: float
    width: float
    height: float
    label: str
    amount: str
    shade: int


def render(estimate: Estimate, difference: Difference | None = None, *, by: str = "component") -> str:
    """The whole file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "usd": usd, "number": number, "plain": money, "machines": machines, "signed": signed, "risen": risen,
        "figure": figure, "kilowatts": kilowatts,
    }  # fmt: skip
    grouped = groups(estimate.lines, by)
    shades = {name: min(position, SHADES - 1) for position, name in enumerate(grouped)}
    return environment.get_template(TEMPLATE).render(
        estimate=estimate,
        difference=difference,
        summary=summary(estimate).splitlines(),
        groups=[(name, lines, total(lines)) for name, lines in grouped.items()],
        by=by,
        legend=_legend(shades),
        bars=_bars(grouped),
        tiles=tree_map(estimate.lines, shades, grouping(by)),
        rise=rise(difference) if difference else "",
        ahead=bool(difference) and paid_ahead(difference),
        grounds=list(grounds(estimate)),
        size=(WIDTH, HEIGHT),
        old={line.priced_at for line in estimate.lines if is_old(line, estimate.date)},
        pools=list(zip(estimate.power.pools, estimate.carbon.pools, strict=True)),
        units=units.per_pool(estimate),
        tokens=bool(estimate.tokens_per_second),
    )


def _legend(shades: dict[str, int]) -> list[tuple[int, str]]:
    """What each colour stands for."""
    last = [name for name, shade in shades.items() if shade == SHADES - 1]
    found = [(shade, name) for name, shade in shades.items() if shade < SHADES - 1]
    return found + ([(SHADES - 1, last[0] if len(last) == 1 else f"{len(last)} others")] if last else [])


def _bars(grouped: dict[str, list[Line]]) -> list[tuple[str, list[tuple[str, float, str]], str]]:
    """One bar a group, stacked of what is fixed and what depends on usage; widths in per cent of the dearest."""
    sums = {name: total(lines).monthly_usd.base for name, lines in grouped.items()}
    most = max(sums.values(), default=Decimal(0)) or Decimal(1)
    found = []
    for name, lines in grouped.items():
        parts = []
        for kind, by_usage in (("fixed", False), ("usage", True)):
            amount = total(line for line in lines if line.usage_based == by_usage).monthly_usd.base
            if amount:
                parts.append((kind, float(amount / most * 100), usd(amount)))
        found.append((name, parts, usd(sums[name])))
    return found


def tree_map(lines: Sequence[Line], shades: dict[str, int], group: Callable[[Line], str]) -> list[Tile]:
    """Squarified tree map of resources (Bruls, Huizing, van Wijk, 2000): areas are shares of the monthly cost."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        key = (group(line), line.resource)
        amounts[key] = amounts.get(key, Decimal(0)) + line.monthly_usd.base
    ranked = sorted(((key, amount) for key, amount in amounts.items() if amount > 0), key=lambda entry: -entry[1])
    whole = float(sum((amount for _, amount in ranked), Decimal(0)))
    areas = [float(amount) / whole * WIDTH * HEIGHT for _, amount in ranked]
    tiles = []
    for (key, amount), (x, y, width, height) in zip(ranked, squarified(areas, 0.0, 0.0, WIDTH, HEIGHT), strict=True):
        tiles.append(Tile(x, y, width, height, key[1], usd(amount), shades.get(key[0], 0)))
    return tiles


Box = tuple[float, float, float, float]


def squarified(areas: Sequence[float], x: float, y: float, width: float, height: float) -> list[Box]:
    """Boxes (x, y, width, height) for falling areas that fill the given one."""
    boxes: list[Box] = []
    rest = list(areas)
    while rest:
        side = min(width, height)
        row = [rest[0]]
        while len(row) < len(rest) and _worst([*row, rest[len(row)]], side) <= _worst(row, side):
            row.append(rest[len(row)])
        rest = rest[len(row) :]
        thick = sum(row) / side if side else 0.0
        offset = 0.0
        for area in row:
            length = area / thick if thick else 0.0
            tall = width >= height
            boxes.append((x, y + offset, thick, length) if tall else (x + offset, y, length, thick))
            offset += length
        if width >= height:
            x, width = x + thick, max(width - thick, 0.0)
        else:
            y, height = y + thick, max(height - thick, 0.0)
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """The worst ratio of sides in a row laid along a side."""
    whole = sum(row)
    if not whole or not side or not row[-1]:
        return float("inf")
    return max(side**2 * max(row) / whole**2, whole**2 / (side**2 * min(row)))
