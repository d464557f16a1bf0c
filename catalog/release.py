"""Versions and container images of what runs on a cluster, and where EKS keeps its images.

A release that is not `verified` was not read in its source: it may not exist, so a component shows it as unverified.
An add-on without a version means "the version EKS picks for the cluster"; `minimum` is the lowest that works here.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cache

from catalog.table import Lookup, Row, UnknownName, rows


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
    kubernetes: str | None
    """Kubernetes version that `version` is for; None: any."""
    minimum: str | None
    image: str | None
    """Image reference with tag. `{registry}` stands for the EKS registry of the region: see `image_in`."""
    chart: str | None
    """Helm chart or OCI address and version, where there is one."""
    verified: bool
    date: str
    source: str
    note: str | None

    def for_kubernetes(self, version: str) -> str | None:
        """The version for a cluster of this Kubernetes version; None: not known for it, so leave the choice to EKS."""
        return self.version if self.kubernetes in (None, version) else None

    def image_in(self, region: str) -> str:
        """The image as a node of `region` pulls it. Raises UnknownRegistry, or ValueError when there is no image."""
        if self.image is None:
            raise ValueError(f"{self.name} has no image in the catalog")
        return self.image.format(registry=eks_registry(region)) if "{registry}" in self.image else self.image


@dataclass(frozen=True, slots=True)
class EksVersion:
    """Life of a Kubernetes version on EKS. None means not seen."""

    version: str
    released: datetime.date | None
    standard_support_end: datetime.date | None
    """From this day on the control plane costs the price of extended support."""
    extended_support_end: datetime.date | None
    verified: bool
    date: str
    source: str

    def extended(self, day: datetime.date) -> bool | None:
        """Whether a cluster is in extended support on `day`; None when the end of standard support is unknown."""
        return None if self.standard_support_end is None else day >= self.standard_support_end


def _day(row: Row, column: str) -> datetime.date | None:
    text = row.maybe_text(column)
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise row.refuse(column, "a date like 2026-12-02") from None


def _load_versions() -> dict[str, EksVersion]:
    return {
        row.text("version"): EksVersion(
            version=row.text("version"),
            released=_day(row, "released"),
            standard_support_end=_day(row, "standard_support_end"),
            extended_support_end=_day(row, "extended_support_end"),
            verified=row.flag("verified"),
            date=row.text("date"),
            source=row.text("source"),
        )
        for row in rows("eks_versions")
    }


eks_versions: Lookup[EksVersion] = Lookup("Kubernetes version on EKS", _load_versions)
"""Kubernetes versions of EKS by number: `eks_versions["1.35"]`."""


def _load() -> dict[str, Release]:
    return {
        row.text("name"): Release(
            name=row.text("name"),
            kind=row.text("kind"),
            version=row.maybe_text("version"),
            kubernetes=row.maybe_text("kubernetes"),
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


def eks_registry_accounts() -> frozenset[str]:
    """The accounts from which AWS publishes the images of EKS."""
    return frozenset(host.partition(".")[0] for host in _registries().values())
