"""A monthly budget over everything that carries the site's tag, and whom to tell before it is used up.

Holds the AWS budget and the topic it reports to. It warns; what stops a deployment that would cost too much is the cost
estimate before it. AWS counts by the tag only once it is activated as a cost allocation tag, in the payer account,
which is not ours to do (docs/cost.md).
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_aws import budgets, sns

from components import tags
from components.budget_spec import BudgetSpec
from components.encryption import EncryptionKey, Statement
from components.site import Site


class Budget(pulumi.ComponentResource):
    """A cost budget of the stack."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, spec: BudgetSpec, *, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aidc:budget:Budget", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            name, site=site, purpose="budget warnings", part="budget", statements=[_budgets_key(site)], opts=child
        )
        topic = sns.Topic(f"{name}-warnings", kms_master_key_id=key.arn, tags=tags.component("budget"), opts=child)
        allowed = sns.TopicPolicy(
            f"{name}-warnings-policy", arn=topic.arn, policy=_publish(site, topic.arn), opts=child
        )
        actual = [_warning(percent, "ACTUAL", topic.arn, spec) for percent in spec.warn_at_percent]
        budgets.Budget(
            f"{name}-budget",
            budget_type="COST",
            limit_amount=f"{spec.monthly_usd.normalize():f}",
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:dc:site${site.spec.name}"]}],
            notifications=[*actual, _warning(100, "FORECASTED", topic.arn, spec)],
            tags=tags.component("budget"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})


def _warning(percent: int, kind: str, topic_arn: pulumi.Output[str], spec: BudgetSpec) -> Any:
    return {
        "comparison_operator": "GREATER_THAN",
        "notification_type": kind,
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_sns_topic_arns": [topic_arn],
        "subscriber_email_addresses": list(spec.emails),
    }


def _from_budgets(site: Site) -> dict[str, Any]:
    return {
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": site.account}},
    }


def _publish(site: Site, topic_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """AWS Cost Management User Guide, "Creating an Amazon SNS topic for budget notifications"."""
    statement = {"Sid": "Budgets", "Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn}
    document = {"Version": "2012-10-17", "Statement": [statement | _from_budgets(site)]}
    return pulumi.Output.json_dumps(document)


def _budgets_key(site: Site) -> Statement:
    actions = ["kms:GenerateDataKey*", "kms:Decrypt"]
    return {"Sid": "Budgets", "Effect": "Allow", "Action": actions, "Resource": "*", **_from_budgets(site)}
