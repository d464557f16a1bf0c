"""What every pool of nodes states, whatever its nodes carry: type, size, root volume.

The rules that hold for all pools are here; those of accelerators and of plain CPU nodes are with their components.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cached_property

from pydantic import Field

from catalog import instances, limits
from catalog.instance import Instance
from components.spec import GiB, InstanceType, Problem, Spec


class PoolSpec(Spec):
    """A number of equal nodes."""

    instance_type: InstanceType = Field(description="EC2 instance type, such as p5en.48xlarge or m7i.xlarge.")
    nodes: int = Field(ge=0, description="Nodes wanted now.")
    min: int | None = Field(None, ge=0, description="Fewest nodes an autoscaler may leave. Default: 0.")
    max: int | None = Field(None, ge=1, description="Most nodes an autoscaler may make. Default: nodes (at least 1).")
    root_volume_gib: GiB = Field(200, ge=50, description="Size of the encrypted gp3 root volume, in GiB.")

    @cached_property
    def instance(self) -> Instance:
        """The catalog's row. Raises UnknownInstance."""
        return instances[self.instance_type]

    @property
    def smallest(self) -> int:
        return self.min or 0

    @property
    def largest(self) -> int:
        return self.max or self.nodes or 1

    def problems(self) -> Iterator[Problem]:
        if self.smallest > self.nodes:
            yield Problem(("min",), f"{self.min} is more than nodes ({self.nodes}). Lower it or ask for more nodes.")
        if self.largest < self.nodes:
            yield Problem(("max",), f"{self.max} is less than nodes ({self.nodes}). Raise it or ask for fewer nodes.")
        if not limits["gp3-size"].allows(self.root_volume_gib):
            allowed = limits["gp3-size"].describe()
            yield Problem(("root-volume-gib",), f"{self.root_volume_gib} is not offered. Allowed: {allowed}.")
        if self.instance_type in instances:
            yield from self.machine_problems()
        else:
            yield Problem(("instance-type",), _unknown(self.instance_type))

    def machine_problems(self) -> Iterator[Problem]:
        """Rules that need the catalog's row."""
        yield from ()


def _unknown(instance_type: str) -> str:
    near = difflib.get_close_matches(instance_type, list(instances), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{instance_type} is not an instance type that the catalog knows.{hint}"
