"""Encryption keys: one per component that keeps data, rotated, usable only by the services that component needs.

Holds the key, its alias and the statements of key policies. Policies are plain text known before anything is planned:
they name services and conditions, not resources. See the KMS developer guide, "Key policies", and per statement below.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws import kms

from components import tags
from components.site import Site

Statement = Mapping[str, Any]
USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
DELETION_WINDOW_DAYS = 30


class EncryptionKey(pulumi.ComponentResource):
    """A customer-managed symmetric key with yearly rotation and an alias."""

    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        site: Site,
        purpose: str,
        part: str,
        statements: Sequence[Statement] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`purpose` completes "Encrypts ..."; `part` is the component the key belongs to."""
        super().__init__("aidc:encryption:EncryptionKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        key = kms.Key(
            f"{name}-key",
            description=f"Encrypts {purpose} of {site.prefix}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=policy(site, statements),
            tags=tags.component(part, name=f"{site.prefix}-{name}"),
            opts=child,
        )
        kms.Alias(f"{name}-alias", name=f"alias/{site.prefix}-{name}", target_key_id=key.key_id, opts=child)
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


def policy(site: Site, statements: Sequence[Statement]) -> str:
    """A key policy: the account administers the key through IAM, `statements` say who else may use it."""
    account: Statement = {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{site.partition}:iam::{site.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [account, *statements]})


def logs(site: Site) -> Statement:
    """CloudWatch Logs, for log groups of this account ("Encrypt log data in CloudWatch Logs")."""
    return {
        "Sid": "CloudWatchLogs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{site.region}.amazonaws.com"},
        "Action": USE,
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": f"arn:{site.partition}:logs:{site.region}:{site.account}:*"
            }
        },
    }


def volumes(site: Site) -> Sequence[Statement]:
    """EBS volumes of nodes.

    The auto-scaling service launches the nodes under a role of its own, which may not exist yet in a new account and so
    cannot be named; like the AWS-managed EBS key, the statement admits the account through EC2 only ("Required KMS key
    policy for use with encrypted volumes").
    """
    condition = {"kms:CallerAccount": site.account, "kms:ViaService": f"ec2.{site.region}.amazonaws.com"}
    return [
        {
            "Sid": "VolumesThroughEc2",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": USE,
            "Resource": "*",
            "Condition": {"StringEquals": condition},
        },
        {
            "Sid": "GrantsForVolumes",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"StringEquals": condition, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]


def lustre_repository(site: Site) -> Statement:
    """FSx for Lustre reading and writing buckets under this key.

    FSx makes a role per file system; its name starts as below (FSx for Lustre User Guide, "Using server-side encrypted
    Amazon S3 buckets").
    """
    role = "role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/AWSServiceRoleForFSxS3Access_*"
    return {
        "Sid": "LustreThroughS3",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": USE,
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": site.account,
                "kms:ViaService": f"s3.{site.region}.amazonaws.com",
            },
            "ArnLike": {"aws:PrincipalArn": f"arn:{site.partition}:iam::{site.account}:{role}"},
        },
    }
