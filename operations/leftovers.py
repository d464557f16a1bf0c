"""What exists in the local cloud, and what of it nobody manages.

AWS objects carry the URN of their resource as a tag that the local provider writes, records of Google Cloud in
themselves; Kubernetes objects of a stack carry the label `dc/site`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Any

from operations.stack import Stack
from sandbox.settings import REGION
from terminal import UserError, err

LABEL = "dc/site"
"""Every Kubernetes object that the program makes carries it."""
GONE_S = 60
"""How long a deletion may take."""
NOT_OBJECTS = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics", "NodeMetrics", "Node", "Lease"})
"""Kinds that the cluster makes on its own account."""


def inventory(stack: Stack) -> dict[str, list[str]]:
    """Everything in the local cloud beyond what the clouds and Kubernetes provide themselves, by service or kind."""
    import boto3

    from sandbox.providers.aws import leftovers as aws
    from sandbox.providers.gcp import leftovers as gcp

    found = {service: ids for service, ids in aws.inventory(boto3.Session(region_name=region(stack))).items() if ids}
    found |= gcp.inventory(stack.settings)
    for kind, name, _ in kubernetes_objects(stack):
        found.setdefault(f"kubernetes {kind}", []).append(name)
    return found


def remove_unmanaged(stack: Stack, managed: Collection[tuple[str, str]]) -> None:
    """Delete the stack's objects in the local cloud that its state (`managed`: pairs of URN and id) does not know."""
    import boto3

    from sandbox.providers.aws import leftovers as aws
    from sandbox.providers.gcp import leftovers as gcp

    session = boto3.Session(region_name=region(stack))
    types = {(urn.split("::")[2].rsplit("$", 1)[-1], identity) for urn, identity in managed}
    orphans = [left for left in aws.find(session, stack.name) if (left.type, left.id) not in types]
    aws.remove(session, orphans)
    records = gcp.unmanaged(stack.settings, stack.name, types)
    gcp.remove(stack.settings, records)
    known = {urn.split("::")[2].rsplit(":", 1)[-1] + " " + identity for urn, identity in managed}
    strangers = [entry for entry in kubernetes_objects(stack) if f"{entry[0]} {entry[1]}" not in known]
    for _, _, delete in strangers:
        delete()
    _wait_until_gone(stack, {(kind, name) for kind, name, _ in strangers})
    removed = [f"{left.type.rsplit(':', 1)[-1]} {left.id}" for left in orphans]
    removed += [f"{record.type.rsplit(':', 1)[-1]} {record.id}" for record in records]
    removed += [f"{kind} {name}" for kind, name, _ in strangers]
    if removed:
        names = ", ".join(sorted(removed))
        err().print(f"removed {len(removed)} objects that nobody manages: {names}", style="yellow", markup=False)


def _wait_until_gone(stack: Stack, objects: set[tuple[str, str]]) -> None:
    """A namespace that is still ending would refuse what is made in it again."""
    deadline = time.monotonic() + GONE_S
    while objects & {(kind, name) for kind, name, _ in kubernetes_objects(stack, ending=True)}:
        if time.monotonic() > deadline:
            raise UserError("objects in Kubernetes do not end; `python -m sandbox reset` starts the local cloud anew")
        time.sleep(0.3)


def region(stack: Stack) -> str:
    """Where the stack's objects in the AWS API are; a stack of another cloud has none anywhere."""
    return stack.file.config.get("aws:region", REGION)


def kubernetes_objects(stack: Stack, *, ending: bool = False) -> Iterator[tuple[str, str, Any]]:
    """Kind, `namespace/name` and a function that deletes, for every object of a stack that no other object owns.

    `ending`: also those whose deletion is under way.
    """
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
            if not meta.ownerReferences and (ending or not meta.deletionTimestamp):
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
