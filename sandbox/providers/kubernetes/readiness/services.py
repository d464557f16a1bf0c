"""Services: an address where one is to be had, and no selected pod still on its way.

Follows provider/pkg/await/service.go of the official provider, with EndpointSlices in place of the deprecated
Endpoints and a shorter time for the endpoints to settle (10 s there: one machine has no stragglers).
"""

from __future__ import annotations

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object, items, members, pluck
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings

SETTLE_SECONDS = 2.0


def service(live: Object, around: Surroundings) -> Progress:
    """Headless, ExternalName and selectorless Services are ready at once, others when their endpoints have settled."""
    spec = members(live.get("spec"))
    balanced = spec.get("type") == "LoadBalancer"
    addressed = not balanced or bool(items(pluck(live, "status", "loadBalancer", "ingress")))
    no_address = ["Service was not allocated an IP address; does your cloud provider support this?"]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return Progress(addressed, "Waiting for an IP address", [] if addressed else no_address)
    slices = around.list(
        "discovery.k8s.io/v1", "EndpointSlice", labelSelector=f"kubernetes.io/service-name={objects.name(live)}"
    )
    states = sorted(_states(slices))
    settled = bool(slices) and around.stable_for(states) >= SETTLE_SECONDS
    if addressed and settled and False not in (ready for _, ready in states):
        return Progress(True)
    problems = []
    if not any(ready for _, ready in states):
        problems.append(
            "Service does not target any Pods. Selected Pods may not be ready, "
            "or field '.spec.selector' may not match labels on any Pods"
        )
    if not addressed:
        problems.append(no_address[0])
    if settled and not addressed:
        return Progress(False, "[2/3] Attempting to allocate IP address to Service", problems)
    return Progress(False, "[1/3] Finding Pods to direct traffic to", problems)


def _states(slices: list[Object]) -> list[tuple[str, bool]]:
    """Address and readiness of every endpoint. A missing condition means ready (EndpointSlice API)."""
    endpoints = [members(endpoint) for one in slices for endpoint in items(one.get("endpoints"))]
    return [
        (str(address), members(endpoint.get("conditions")).get("ready") is not False)
        for endpoint in endpoints
        for address in items(endpoint.get("addresses"))
    ]
