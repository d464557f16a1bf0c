"""What a stack may cost: the limits that a plan is held against, whatever the cloud.

Holds no resources: the budget that a cloud keeps is `components.budget` on AWS and `components.gcp.budget` on Google.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from components.spec import Spec, Text

Email = Annotated[str, Text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")]


class BudgetSpec(Spec):
    """What the stack may cost."""

    monthly_usd: Decimal = Field(
        gt=0, description="US dollars a month. A plan above it is refused; the cloud warns when the bill comes near."
    )
    hourly_usd: Decimal | None = Field(
        None, gt=0, description="US dollars an hour while everything runs. A plan above it is refused."
    )
    upfront_usd: Decimal | None = Field(
        None,
        ge=0,
        description="US dollars paid up front, such as for a Capacity Block. Above it: refused.",
    )
    power_kw: Decimal | None = Field(
        None,
        gt=0,
        description="Maximum power of the nodes at the site in kW, cooling included (times PUE). Above it: refused.",
    )
    energy_kwh: Decimal | None = Field(
        None, gt=0, description="Energy of the nodes in kWh a month, cooling included. Above it: refused."
    )
    carbon_kg: Decimal | None = Field(
        None, gt=0, description="Emissions of that energy in kgCO2e a month, location based. Above it: refused."
    )
    accelerators: int | None = Field(None, ge=0, description="Accelerators in all pools. A plan with more is refused.")
    rise_usd: Decimal | None = Field(
        None, ge=0, description="US dollars a month that a change may add to what it is compared with."
    )
    rise_percent: Decimal | None = Field(
        None, ge=0, description="Per cent that a change may add to the monthly cost of what it is compared with."
    )
    warn_at_percent: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        (50, 80, 100),
        min_length=1,
        description="Percentages of the budget at which the cloud warns about the actual bill.",
    )
    emails: tuple[Email, ...] = Field((), max_length=10, description="Who is told, besides the topic of the stack.")
