"""What a stack file says of a GKE cluster: version, who gets in and from where, when it is cared for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from components.gcp.fields import GcpZone, IamMember
from components.spec import Cidr, KubernetesVersion, Problem, Spec, Text

WIDEST_PREFIX = 8
"""A range shorter than this is a good part of the world, not a named network."""
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
"""Addresses that no network of the world routes (RFC 1918, RFC 6598)."""
SecurityGroup = Annotated[
    str, Text(r"gke-security-groups@[^@\s]+\.[^@\s]+", "a group such as gke-security-groups@example.com")
]

Moment = Annotated[str, Text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", 'a time in quotes such as "2026-01-03T02:00:00Z"')]
Recurrence = Annotated[
    str, Text(r"FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;[A-Z]+=[A-Z0-9,+-]+)*", "a rule such as FREQ=WEEKLY;BYDAY=SA,SU")
]
SHORTEST_WINDOW = timedelta(hours=4)
"""GKE documentation, "Maintenance windows and exclusions"."""


class MaintenanceSpec(Spec):
    """When GKE may upgrade control plane and nodes."""

    start: Moment = Field(
        default="2026-01-03T02:00:00Z",
        description='First window begins, UTC and in quotes, such as "2026-01-03T02:00:00Z" (a Saturday).',
    )
    end: Moment = Field(
        default="2026-01-03T10:00:00Z",
        description="First window ends. GKE asks for 48 hours in every 32 days.",
    )
    recurrence: Recurrence = Field(default="FREQ=WEEKLY;BYDAY=SA,SU", description="How the window repeats (RFC 5545).")

    def problems(self) -> Iterator[Problem]:
        times: dict[str, datetime] = {}
        for key, given in (("start", self.start), ("end", self.end)):
            try:
                times[key] = datetime.fromisoformat(given)
            except ValueError as error:
                yield Problem((key,), f"{given} is no time: {error}.")
        if len(times) == 2 and times["end"] - times["start"] < SHORTEST_WINDOW:
            yield Problem(
                ("end",), f"{self.end} is less than four hours after {self.start}. GKE wants windows of four or more."
            )


class GkeClusterSpec(Spec):
    """Version, access and care of the control plane."""

    admins: tuple[IamMember, ...] = Field(
        min_length=1,
        description="Users, groups and service accounts that administer the cluster. Whoever runs Pulumi must have "
        "roles/container.admin in the project already: it makes the others' rights.",
    )
    channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = Field(
        "REGULAR", description="Release channel: which versions GKE upgrades to, and how soon."
    )
    version: KubernetesVersion | None = Field(
        None, description="Lowest Kubernetes version, in quotes. Default: what the channel offers."
    )
    zones: tuple[GcpZone, ...] | None = Field(
        None, min_length=1, description="Default zones of nodes. Default: network.zones."
    )
    service_cidr: Cidr = Field(
        IPv4Network("10.200.0.0/20"),
        description="Addresses of Kubernetes services. Cannot be changed later.",
    )
    public_access_cidrs: tuple[Cidr, ...] = Field(
        (),
        description="Networks from which the Kubernetes API can be reached over the internet. Default: none; the API "
        "is private. The VPC is the stack's own, so the first `make up` comes from here: name the network you work "
        "from, and take it out once something leads into the VPC.",
    )
    private_access_cidrs: tuple[Cidr, ...] = Field(
        (),
        description="Private networks from which the Kubernetes API can be reached at its private address, over a VPN, "
        "an interconnect or a bastion's network that leads into the VPC. The VPC itself always can.",
    )
    maintenance: MaintenanceSpec = Field(MaintenanceSpec(), description="Maintenance window.")
    security_group: SecurityGroup | None = Field(
        None,
        description="Google group for RBAC, gke-security-groups@<your domain>: groups in it can be named in bindings.",
    )
    deletion_protection: bool = Field(True, description="Whether GKE and Pulumi refuse to delete the cluster.")

    def problems(self) -> Iterator[Problem]:
        for index, cidr in enumerate(self.public_access_cidrs):
            if cidr.prefixlen < WIDEST_PREFIX:
                yield Problem(
                    ("public-access-cidrs", index),
                    f"{cidr} opens the Kubernetes API to the world. Name the networks that need it, each "
                    f"/{WIDEST_PREFIX} or smaller, or leave the key out to keep the API private.",
                )
            elif _is_private(cidr):
                yield Problem(
                    ("public-access-cidrs", index),
                    f"{cidr} is a private range, which nobody comes from over the internet. Name it under "
                    "private-access-cidrs.",
                )
        for index, cidr in enumerate(self.private_access_cidrs):
            if not _is_private(cidr):
                ranges = ", ".join(map(str, PRIVATE))
                yield Problem(
                    ("private-access-cidrs", index),
                    f"{cidr} is no private range ({ranges}). Name networks of the internet under public-access-cidrs.",
                )
        if self.security_group is None and any(member.startswith("group:") for member in self.admins):
            yield Problem(
                ("admins",),
                "a group needs security-group (gke-security-groups@<your domain>, with the group in it): without it "
                "GKE does not see groups. Give it, or name users.",
            )


def _is_private(cidr: IPv4Network) -> bool:
    return any(cidr.subnet_of(known) for known in PRIVATE)
