"""Tags of everything in EKS that can be tagged, by ARN."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import Clusters, Record, not_found


def tagged(clusters: Clusters) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(ARN, kind, tags) of every resource; the tags are the resource's own, not a copy."""
    for cluster in clusters.by_name.values():
        yield cluster.record["arn"], "cluster", cluster.record["tags"]
        for record in cluster.nodegroups.values():
            yield record["nodegroupArn"], "nodegroup", record["tags"]
        for record in cluster.addons.values():
            yield record["addonArn"], "addon", record["tags"]
        for entry in cluster.entries.values():
            yield entry.record["accessEntryArn"], "access-entry", entry.record["tags"]
        for record in cluster.associations.values():
            yield record["associationArn"], "podidentityassociation", record["tags"]


def _tags(call: Call) -> dict[str, str]:
    wanted = call.params["resourceArn"]
    for arn, _, tags in tagged(call.store(Clusters)):
        if arn == wanted:
            return tags
    raise not_found(f"Resource {wanted} was not found")


@serves("eks", "TagResource")
def tag(call: Call) -> Record:
    _tags(call).update(call.params["tags"])
    return {}


@serves("eks", "UntagResource")
def untag(call: Call) -> Record:
    tags = _tags(call)
    for key in call.params["tagKeys"]:
        tags.pop(key, None)
    return {}


@serves("eks", "ListTagsForResource")
def list_tags(call: Call) -> Record:
    return {"tags": _tags(call)}
