"""The account that one of Google's services acts as in a project, made by asking for it.

Some services make theirs only when they are first used; a key must name it before (IAM documentation, "Create and grant
roles to service agents").
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_gcp import projects, storage

from components.gcp.project import GcpSite


def agent(name: str, service: str, *, site: GcpSite, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The IAM member of a service such as sqladmin; its identity is a child of whoever asks."""
    made = projects.ServiceIdentity(
        f"{name}-agent", project=site.project, service=f"{service}.googleapis.com", opts=opts
    )
    return made.member


def storage_agent(*, site: GcpSite, after: Sequence[pulumi.Resource], parent: pulumi.Resource) -> pulumi.Output[str]:
    """The IAM member of Cloud Storage. Its account is made by the question who it is, and by nothing that a resource
    could do (Cloud Storage documentation, "Cloud Storage service agents"; the provider's own, for
    `getProjectServiceAccount`). The name is known without the answer; a preview of a new stack does not ask.
    `after`: the APIs."""
    asked = storage.get_project_service_account_output(
        project=site.project,
        opts=pulumi.InvokeOutputOptions(parent=parent, depends_on=list(after)),
    )
    return asked.apply(lambda _: site.storage_agent)
