"""Tags and labels: who owns a thing, and what it costs and draws.

Identity tags come from the site and go everywhere: the four of the site through the provider's default tags, component
and pool at the resource, all six in the tag specifications of launch templates (nothing else reaches what an
auto-scaling group makes). Derived tags come from the catalog and change when prices do; they go on node groups,
auto-scaling groups and file systems and never into a launch template, where a new price would roll the nodes.
"""

from __future__ import annotations

from decimal import Decimal

from components.site import Site

PREFIX = "dc:"
UNKNOWN = "unknown"
"""Value of a derived tag whose figure the catalog does not have."""

MANAGED_BY = "app.kubernetes.io/managed-by"


def identity(site: Site) -> dict[str, str]:
    """Tags of the site: the provider's default tags."""
    spec = site.spec
    return {
        "dc:site": spec.name,
        "dc:environment": spec.environment,
        "dc:owner": spec.owner,
        "dc:cost-center": spec.cost_center,
    }


def component(component: str, *, name: str | None = None, pool: str | None = None) -> dict[str, str]:
    """Tags of a resource of a component. `name` is what consoles show."""
    return {
        "dc:component": component,
        **({"dc:pool": pool} if pool else {}),
        **({"Name": name} if name else {}),
    }


def complete(site: Site, part: str, *, name: str | None = None, pool: str | None = None) -> dict[str, str]:
    """Identity and component tags together, for places that default tags do not reach."""
    return identity(site) | component(part, name=name, pool=pool)


def derived(
    *, usd_per_hour: Decimal | None, purchase: str, power_kw_max: float | None, accelerator: str | None
) -> dict[str, str]:
    """Cost and power tags of one node, or of one file system. What is not known says so; it is never 0."""
    return {
        "dc:usd-per-hour": UNKNOWN if usd_per_hour is None else f"{usd_per_hour.normalize():f}",
        "dc:purchase": purchase,
        "dc:power-kw-max": UNKNOWN if power_kw_max is None else f"{power_kw_max:g}",
        "dc:accelerator": accelerator or "none",
    }


def labels(site: Site, part: str, *, pool: str | None = None) -> dict[str, str]:
    """The identity as Kubernetes labels, so that cost inside the cluster adds up like the bill."""
    tags = identity(site) | component(part, pool=pool)
    return {tag.replace(":", "/"): value for tag, value in tags.items()} | {MANAGED_BY: "pulumi"}


def node_labels(site: Site, part: str) -> dict[str, str]:
    """Identity labels for nodes. Kubelets may not label themselves under `kubernetes.io`, so that one is missing."""
    return {key: value for key, value in labels(site, part).items() if "kubernetes.io" not in key}
