"""Field types that only Google Cloud knows: projects, regions, zones, machine types, members of IAM."""

from __future__ import annotations

from typing import Annotated

from components.spec import Text

ProjectId = Annotated[
    str, Text(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project id: 6 to 30 lower-case letters, digits and dashes")
]
ProjectNumber = Annotated[str, Text(r"\d{6,20}", "a project number: digits, in quotes")]
GcpRegion = Annotated[str, Text(r"[a-z]+(-[a-z]+)+\d+", "a Google region such as us-central1")]
GcpZone = Annotated[str, Text(r"[a-z]+(-[a-z]+)+\d+-[a-z0-9]+", "a Google zone such as us-central1-a")]
MachineType = Annotated[
    str, Text(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", "a Google machine type such as a3-ultragpu-8g or n2-standard-8")
]
Topology = Annotated[str, Text(r"\d+x\d+(x\d+)?", "a slice topology such as 4x4 or 2x2x4")]
ReservationName = Annotated[
    str,
    Text(
        r"(projects/[a-z0-9-]+/reservations/)?[a-z]([-a-z0-9]*[a-z0-9])?(/reservationBlocks/[a-z0-9-]+)?",
        "the name of a reservation such as my-reservation, with /reservationBlocks/<block> for one block of it",
    ),
]
IamMember = Annotated[
    str,
    Text(
        r"(user|group|serviceAccount):[^@\s:]+@[^@\s]+\.[^@\s]+",
        "a member such as user:ann@example.com, group:ml@example.com or serviceAccount:<its e-mail address>",
    ),
]
BillingAccount = Annotated[
    str, Text(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}", "a billing account such as 012345-6789AB-CDEF01")
]


def region_of(zone: str) -> str:
    """`us-central1-a` -> `us-central1`."""
    return zone.rpartition("-")[0]
