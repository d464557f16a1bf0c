"""IAM roles for AWS services: who may assume, and which policies hang on it.

Holds the role, attachments of AWS-managed policies and one inline policy. Leaves out users, keys and roles for people.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_aws import iam

from components import tags
from components.site import Site


class ServiceRole(pulumi.ComponentResource):
    """A role that one AWS service assumes on behalf of this account."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        site: Site,
        service: str,
        part: str,
        managed: Sequence[str] = (),
        allow: Sequence[dict[str, Any]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`managed` are names of AWS-managed policies, `allow` statements of the inline policy (outputs welcome)."""
        super().__init__("aidc:roles:ServiceRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = iam.Role(
            f"{name}-role",
            description=f"{service} for {site.prefix}",
            assume_role_policy=trust(service, site),
            tags=tags.component(part),
            opts=child,
        )
        attachments: list[pulumi.Resource] = [
            iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=site.managed_policy(policy),
                opts=child,
            )
            for policy in managed
        ]
        if allow:
            document = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(allow)})
            # A name of its own and not a random one: made again after an interrupted update, it is the same policy.
            policy_name = f"{name}-policy"
            attachments.append(
                iam.RolePolicy(policy_name, name=policy_name, role=role.name, policy=document, opts=child)
            )
        self.arn = role.arn
        self.ready = attachments
        """What a user of the role must wait for: a role without its policies refuses."""
        self.register_outputs({"arn": self.arn})


PASS_THE_ACCOUNT = frozenset({"vpc-flow-logs.amazonaws.com", "pods.eks.amazonaws.com"})
"""Services documented to pass `aws:SourceAccount` when they assume a role."""


def trust(service: str, site: Site) -> str:
    """Trust policy for a service; pods additionally tag their sessions (EKS User Guide, "EKS Pod Identity role")."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["sts:AssumeRole", "sts:TagSession"] if service.startswith("pods.") else "sts:AssumeRole",
    }
    if service in PASS_THE_ACCOUNT:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": site.account}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
