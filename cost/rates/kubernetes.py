"""Objects inside a cluster cost nothing by themselves: the machines they run on do. Some make things outside it."""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Gap, Subject


@rate("kubernetes:core/v1:Service")
def service(it: Subject) -> Iterator[Found]:
    if it.text("spec.type") == "LoadBalancer":
        yield Gap(
            "Load balancer", "the cloud makes it for this Service, outside the plan; declare one to have it priced"
        )


@rate("kubernetes:core/v1:PersistentVolumeClaim")
def claim(it: Subject) -> Iterator[Found]:
    """A claim that names its volume is served by it; any other makes one through its storage class."""
    if not it.has("spec.volumeName") and it.text("spec.storageClassName", "default"):
        size = it.text("spec.resources.requests.storage", "unknown size")
        name = it.text("spec.storageClassName", "the default one")
        yield Gap(f"Volume of {size}", f"storage class {name} makes it, outside the plan")


@rate("kubernetes:apps/v1:StatefulSet")
def stateful_set(it: Subject) -> Iterator[Found]:
    """Each template makes one volume for each replica."""
    replicas = it.amount("spec.replicas", 1)
    for template in it.entries("spec.volumeClaimTemplates") if replicas else ():
        claim = it.value("spec", {}, of=template)
        size = it.value("resources.requests.storage", "unknown size", of=claim)
        name = it.value("storageClassName", "the default one", of=claim)
        yield Gap(f"{replicas.normalize():f} volumes of {size}", f"storage class {name} makes them, outside the plan")


@rate("kubernetes:networking.k8s.io/v1:Ingress")
def ingress(it: Subject) -> Iterator[Found]:
    yield Gap(
        "Load balancer", f"ingress class {it.text('spec.ingressClassName', 'unnamed')} may make one, outside the plan"
    )


PODS_ONLY = frozenset({"oci://registry.k8s.io/jobset/charts/jobset"})
"""Charts that make no load balancers and no volumes: their pods run on nodes that are priced already."""


@rate("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v4:Chart", "kubernetes:helm.sh/v3:Chart")
def chart(it: Subject) -> Iterator[Found]:
    if it.text("chart", "") in PODS_ONLY:
        return
    yield it.gap("What the chart makes", "load balancers and volumes of a chart are not in the plan", "input")
