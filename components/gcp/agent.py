"""The account that one of Google's services acts as in a project, made by asking for it: the answer names it.

Some services make theirs only when they are first used; a key must name it before (IAM documentation, "Create and grant
roles to service agents").
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects

from components.gcp.project import GcpSite


def agent(name: str, service: str, *, site: GcpSite, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The IAM member of a service such as sqladmin; its identity is a child of whoever asks."""
    made = projects.ServiceIdentity(
        f"{name}-agent", project=site.project, service=f"{service}.googleapis.com", opts=opts
    )
    return made.member
