"""Versions and container images of what runs on a cluster, and where EKS keeps its images.

A release that is not `verified` was not read in its source: it may not exist, so a component shows it as unverified.
An add-on without a version means "the version EKS picks for the cluster"; `minimum` is the lowest that works here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from catalog.table import Lookup, UnknownName, rows


class UnknownRegistry(UnknownName):
    """A region whose EKS image registry is not known."""


@dataclass(frozen=True, slots=True)
class Release:
    """One component."""

    name: str
    kind: str
    """kubernetes, addon, image, chart or tool."""
    version: str | None
    """None: leave the choice to EKS."""
    minimum: str | None
    image: str | None
    """Image reference with tag. `{registry}` stands for the EKS registry of the region: see `image_in`."""
    chart: str | None
    """Helm chart or OCI address and version, where there is one."""
    verified: bool
    date: str
    source: str
    note: str | None

    def image_in(self, region: str) -> str:
        """The image as a node of `region` pulls it. Raises UnknownRegistry, or ValueError when there is no image."""
        if self.image is None:
            raise ValueError(f"{self.name} has no image in the catalog")
        return self.image.format(registry=eks_registry(region)) if "{registry}" in self.image else self.image


def _load() -> dict[str, Release]:
    return {
        row.text("name"): Release(
            name=row.text("name"),
            kind=row.text("kind"),
            version=row.maybe_text("version"),
            minimum=row.maybe_text("minimum"),
            image=row.maybe_text("image"),
            chart=row.maybe_text("chart"),
            verified=row.flag("verified"),
            date=row.text("date"),
            source=row.text("source"),
            note=row.maybe_text("note"),
        )
        for row in rows("releases")
    }


releases: Lookup[Release] = Lookup("component", _load)
"""Releases by component: `releases["vpc-cni"]`."""


@cache
def _registries() -> Lookup[str]:
    return Lookup(
        "region with an EKS image registry",
        lambda: {
            row.text("region"): f"{row.text('account')}.dkr.ecr.{row.text('region')}.{row.text('dns_suffix')}"
            for row in rows("eks_image_registries")
        },
        UnknownRegistry,
    )


def eks_registry(region: str) -> str:
    """Host of the EKS image registry of a region; raises UnknownRegistry."""
    return _registries()[region]
