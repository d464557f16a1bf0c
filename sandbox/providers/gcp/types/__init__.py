"""The table: every resource type that is recorded, by its token."""

from __future__ import annotations

from sandbox.providers.gcp.record import Record
from sandbox.providers.gcp.types import gke, identity, network, services, storage

MODULES = (network, identity, storage, services, gke)
RECORDS: dict[str, Record] = {record.type: record for module in MODULES for record in module.RECORDS}
