"""What exists in the local cloud, and what of it nobody manages.

AWS objects carry the URN of their resource as a tag that the local provider writes; Kubernetes objects of a stack carry
the label `dc/site`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from operations.stack import Stack
from terminal import err

LABEL = "dc/site"
"""Every Kubernetes object that the program makes carries it."""
NOT_OBJECTS = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics", "NodeMetrics", "Node", "Lease"})
"""Kinds that the cluster makes on its own account."""


def inventory(stack: Stack) -> dict[str, list[str]]:
    """Everything in the local cloud beyond what AWS and Kubernetes provide themselves, by service or kind."""
    import boto3

    from sandbox.providers.aws import leftovers as aws

    found = {service: ids for service, ids in aws.inventory(boto3.Session(region_name=region(stack))).items() if ids}
    for kind, name, _ in kubernetes_objects(stack):
        found.setdefault(f"kubernetes {kind}", []).append(name)
    return found


def remove_unmanaged(stack: Stack, managed: Mapping[str, str]) -> None:
    """Delete the objects of the local cloud that the state (`managed`: URN to id) does not know."""
    import boto3

    from sandbox.providers.aws import leftovers as aws

    session = boto3.Session(region_name=region(stack))
    orphans = [left for left in aws.find(session) if managed.get(left.urn) != left.id]
    for left in orphans:
        err().print(f"removing what nobody manages: {left.type} {left.id}", style="yellow", markup=False)
    aws.remove(session, orphans)
    known = {urn.split("::")[2].rsplit(":", 1)[-1] + " " + identity for urn, identity in managed.items()}
    for kind, name, delete in kubernetes_objects(stack):
        if f"{kind} {name}" not in known:
            err().print(f"removing what nobody manages: Kubernetes {kind} {name}", style="yellow", markup=False)
            delete()


def region(stack: Stack) -> str:
    """The stack's AWS region."""
    return stack.file.config["aws:region"]


def kubernetes_objects(stack: Stack) -> Iterator[tuple[str, str, Any]]:
    """Kind, `namespace/name` and a function that deletes, for every object of a stack that no other object owns."""
    from kubernetes import config, dynamic
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic.resource import ResourceList

    client = dynamic.DynamicClient(config.new_client_from_config(str(stack.settings.pki / "admin.kubeconfig")))
    for resource in client.resources.search():
        if (
            isinstance(resource, ResourceList)
            or "list" not in (resource.verbs or [])
            or "delete" not in resource.verbs
            or resource.kind in NOT_OBJECTS
        ):
            continue
        try:
            items = resource.get(label_selector=LABEL).items
        except ApiException as error:
            if error.status in (403, 404, 405):
                continue
            raise
        for item in items:
            meta = item.metadata
            if not meta.ownerReferences and not meta.deletionTimestamp:
                name = "/".join(filter(None, (meta.namespace, meta.name)))
                yield resource.kind, name, _deleter(resource, meta.name, meta.namespace)


def _deleter(resource: Any, name: str, namespace: str | None) -> Any:
    from kubernetes.client.exceptions import ApiException

    def delete() -> None:
        try:
            resource.delete(name=name, namespace=namespace, body={"propagationPolicy": "Background"})
        except ApiException as error:
            if error.status != 404:
                raise

    return delete
