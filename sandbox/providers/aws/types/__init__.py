"""The table: one record a resource type, one module a service.

`RECORDS` is ordered so that a type comes after everything it can depend on: deletion in reverse order meets no
dependants."""

from __future__ import annotations

from sandbox.providers.aws.record import Record
from sandbox.providers.aws.types import (
    addresses,
    autoscaling,
    bucket_reports,
    bucket_settings,
    budgets,
    codebuild,
    ecr,
    eks,
    eks_members,
    endpoints,
    fsx,
    iam,
    iam_policies,
    kms,
    launch,
    logs,
    nodegroups,
    routes,
    s3,
    security_groups,
    sns,
    vpc,
)

MODULES = (
    *(
        kms,
        iam,
        iam_policies,
        logs,
        sns,
        budgets,
        s3,
        bucket_settings,
        bucket_reports,
        ecr,
        codebuild,
        vpc,
        security_groups,
        addresses,
        routes,
        endpoints,
    ),
    *(launch, fsx, eks, eks_members, nodegroups, autoscaling),
)
RECORDS: dict[str, Record] = {record.type: record for module in MODULES for record in module.RECORDS}
