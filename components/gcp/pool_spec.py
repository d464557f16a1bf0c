"""What every pool of nodes on Google Cloud states: boot disk and pods a node. Which machines, each kind says itself."""

from __future__ import annotations

import difflib

from pydantic import Field

from catalog import gcp_machines
from components.spec import GiB, Spec


class GcpPoolSpec(Spec):
    """What all pools have."""

    disk_gib: GiB = Field(100, ge=50, description="Size of the encrypted boot disk, in GiB.")


def unknown_machine(machine_type: str) -> str:
    """Why a machine type is refused that no table holds."""
    near = difflib.get_close_matches(machine_type, list(gcp_machines), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{machine_type} is not a Google machine type that the catalog knows.{hint}"
