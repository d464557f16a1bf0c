"""Kinds whose readiness is one look at the status: volumes, quotas, tokens, namespaces, custom resource definitions.

Follows provider/pkg/await/awaiters.go of the official provider. It has no check for CustomResourceDefinitions; it
repeats the creation of their objects instead, which is done here as well.
"""

from __future__ import annotations

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.errors import one_line
from sandbox.providers.kubernetes.objects import Object, condition, members, pluck
from sandbox.providers.kubernetes.readiness.progress import Progress, Surroundings


def _phase(live: Object) -> str:
    return str(pluck(live, "status", "phase") or "unknown")


def persistent_volume(live: Object, _: Surroundings) -> Progress:
    text = f"Waiting for the volume to be available (phase {_phase(live)})"
    return Progress(_phase(live) in ("Available", "Bound"), text, [text], failed=_phase(live) == "Failed")


def persistent_volume_claim(live: Object, around: Surroundings) -> Progress:
    """Bound; or Pending where the storage class binds when the first pod needs the claim."""
    phase = _phase(live)
    if phase == "Bound":
        return Progress(True)
    name = pluck(live, "spec", "storageClassName")
    storage_class = around.find("storage.k8s.io/v1", "StorageClass", name) if name else None
    later = storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
    text = f"Waiting for the claim to be bound (phase {phase})"
    problems = [text]
    if name and storage_class is None and not pluck(live, "spec", "volumeName"):
        problems.append(f'getting storageclass "{name}": not found')
    return Progress(phase == "Pending" and later and around.before is None, text, problems)


def resource_quota(live: Object, _: Surroundings) -> Progress:
    text = "Waiting for the quota to be counted"
    return Progress(pluck(live, "spec", "hard") == pluck(live, "status", "hard"), text, [text])


def secret(live: Object, _: Surroundings) -> Progress:
    """Service account tokens are filled in by a controller; every other Secret is ready at once."""
    text = "Waiting for the service account token"
    waits = live.get("type") == "kubernetes.io/service-account-token"
    return Progress(not waits or bool(members(live.get("data"))), text, [text])


def namespace(live: Object, _: Surroundings) -> Progress:
    return Progress(_phase(live) == "Active", f"Waiting for the namespace (phase {_phase(live)})")


def definition(live: Object, _: Surroundings) -> Progress:
    """Established: the API server serves the new kind."""
    refused = condition(live, "NamesAccepted")
    problems = [one_line(str(refused.get("message", "")))] if refused.get("status") == "False" else []
    established = condition(live, "Established").get("status") == "True"
    served = objects.name(live)
    return Progress(established, f"Waiting for {served} to be served", problems, failed=bool(problems))
