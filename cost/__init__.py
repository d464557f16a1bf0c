"""What a plan costs, draws and emits, before it exists.

`estimate` turns a plan (of this project or of any Pulumi program) into priced lines, named gaps, power and carbon;
`compare` says what changes and why; `breaches` which limits of the stack file break; `report` shows it. Money is
Decimal. Imports neither Pulumi nor boto3.
"""

from __future__ import annotations

from cost import report
from cost.budget import breaches, limits, untold
from cost.difference import Changed, Difference, compare
from cost.estimate import estimate
from cost.model import Amount, Estimate, Hint, Line, Machines, Totals, Unpriced
from cost.usage import Usage

__all__ = [
    "Amount",
    "Changed",
    "Difference",
    "Estimate",
    "Hint",
    "Line",
    "Machines",
    "Totals",
    "Unpriced",
    "Usage",
    "breaches",
    "compare",
    "estimate",
    "limits",
    "report",
    "untold",
]
