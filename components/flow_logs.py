"""Flow logs of a VPC: who talked to whom, kept encrypted for a set time.

Holds the log group, its key, the role that writes and the flow log itself.
"""

from __future__ import annotations

import pulumi
from pulumi_aws import cloudwatch, ec2

from components import encryption, tags
from components.encryption import EncryptionKey
from components.roles import ServiceRole
from components.site import Site

AGGREGATION_SECONDS = 600
"""The longer of the two intervals that AWS offers: a tenth of the records of the shorter one."""


class FlowLogs(pulumi.ComponentResource):
    """All traffic of one VPC, accepted and rejected, in CloudWatch Logs."""

    def __init__(
        self,
        name: str,
        *,
        site: Site,
        vpc_id: pulumi.Input[str],
        retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("aidc:flow_logs:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            name,
            site=site,
            purpose="network flow logs",
            part="network",
            statements=[encryption.logs(site)],
            opts=child,
        )
        group = cloudwatch.LogGroup(
            f"{name}-group",
            retention_in_days=retention_days,
            kms_key_id=key.arn,
            tags=tags.component("network"),
            opts=child,
        )
        role = ServiceRole(
            f"{name}-writer",
            site=site,
            service="vpc-flow-logs.amazonaws.com",
            part="network",
            allow=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": [group.arn, pulumi.Output.concat(group.arn, ":*")],
                }
            ],
            opts=child,
        )
        ec2.FlowLog(
            f"{name}-log",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=AGGREGATION_SECONDS,
            tags=tags.component("network", name=f"{site.prefix}-{name}"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=role.ready),
        )
        self.register_outputs({})
