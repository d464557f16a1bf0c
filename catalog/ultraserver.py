"""UltraServers: several instances sold as one, with one accelerator domain over all of them."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.table import Lookup, rows


@dataclass(frozen=True, slots=True)
class UltraServer:
    """Several instances (or, before EC2 names them, servers) sold as one with one accelerator domain."""

    name: str
    instance_type: str | None
    """None: no EC2 instance type is published."""
    instances: int
    accelerator: str
    accelerators: int
    efa_total_gbps: float | None
    verified: bool
    date: str
    source: str


def _load() -> dict[str, UltraServer]:
    return {
        row.text("name"): UltraServer(
            name=row.text("name"),
            instance_type=row.maybe_text("instance_type"),
            instances=row.integer("instances"),
            accelerator=row.text("accelerator"),
            accelerators=row.integer("accelerators"),
            efa_total_gbps=row.maybe_number("efa_total_gbps"),
            verified=row.flag("verified"),
            date=row.text("date"),
            source=row.text("source"),
        )
        for row in rows("ultraservers")
    }


ultraservers: Lookup[UltraServer] = Lookup("UltraServer", _load)
