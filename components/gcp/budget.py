"""A monthly budget at Google over everything that carries the site's label, and whom to tell before it is used up.

It warns; what stops a deployment that would cost too much is the cost estimate before it. Google keeps budgets with the
billing account, so without its id none is made and only the estimate is held against the limits.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_gcp import billing, monitoring, pubsub
from pydantic import Field

from components.budget_spec import BudgetSpec
from components.gcp import labels
from components.gcp.fields import BillingAccount
from components.gcp.project import GcpSite


class GcpBudgetSpec(BudgetSpec):
    """What the stack may cost, and the account that pays."""

    billing_account: BillingAccount | None = Field(
        None, description="Billing account of the project. Default: no budget at Google, only the estimate's limits."
    )


class GcpBudget(pulumi.ComponentResource):
    """A cost budget of the stack."""

    topic: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: GcpBudgetSpec,
        billing_account: str,
        *,
        site: GcpSite,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:gcp/budget:GcpBudget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = pubsub.Topic(f"{name}-warnings", labels=labels.component("budget"), opts=child)
        channels = [
            monitoring.NotificationChannel(
                f"{name}-{email.partition('@')[0].replace('.', '-')}",
                display_name=f"Budget of {site.prefix}",
                type="email",
                labels={"email_address": email},
                opts=child,
            )
            for email in spec.emails
        ]
        billing.Budget(
            f"{name}-budget",
            billing_account=billing_account,
            display_name=f"{site.prefix}",
            amount=amount(spec),
            budget_filter={
                "projects": [f"projects/{site.number}"],
                "calendar_period": "MONTH",
                "labels": {"dc-site": labels.value(site.spec.name)},
            },
            threshold_rules=thresholds(spec),
            all_updates_rule={
                "pubsub_topic": topic.id,
                "monitoring_notification_channels": [channel.name for channel in channels],
            },
            opts=child,
        )
        self.topic = topic.name
        self.register_outputs({"topic": self.topic})


def amount(spec: BudgetSpec) -> Any:
    """Whole dollars and billionths, as Google wants them."""
    units = int(spec.monthly_usd)
    nanos = int((spec.monthly_usd - units) * 10**9)
    return {"specified_amount": {"currency_code": "USD", "units": str(units), **({"nanos": nanos} if nanos else {})}}


def thresholds(spec: BudgetSpec) -> list[Any]:
    """Warnings about the actual bill, and one when the forecast passes the budget."""
    actual = [{"threshold_percent": percent / 100, "spend_basis": "CURRENT_SPEND"} for percent in spec.warn_at_percent]
    return [*actual, {"threshold_percent": 1.0, "spend_basis": "FORECASTED_SPEND"}]
