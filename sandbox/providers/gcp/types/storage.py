"""Buckets, file systems and registries."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.providers.gcp.record import Record, Resource, World
from sandbox.providers.gcp.types.network import NETWORK
from sandbox.providers.gcp.types.shapes import PROJECT_NUMBER, address, labelled, named
from sandbox.providers.protocol import Problem, Props

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]\Z")


def _bucket(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {
        "url": f"gs://{resource['name']}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{resource['name']}",
        "projectNumber": int(PROJECT_NUMBER),
        "timeCreated": resource.created,
        "updated": resource.created,
        "storageClass": resource["storageClass"] or "STANDARD",
        "location": str(resource["location"]).upper(),
    }


def _bucket_rules(resource: Resource) -> Iterator[Problem]:
    name = resource.known("name")
    if name is not None and not BUCKET_NAME.match(name):
        reason = "give 3 to 63 lower-case letters, digits, hyphens, dots and underscores"
        yield Problem("name", f"name: {name} is not allowed; {reason}")
    if resource.known("hierarchicalNamespace.enabled"):
        if not resource.at("uniformBucketLevelAccess"):
            yield Problem(
                "uniformBucketLevelAccess", "uniformBucketLevelAccess: must be true with hierarchicalNamespace"
            )
        if resource.known("versioning.enabled"):
            yield Problem("versioning.enabled", "versioning.enabled: not available with hierarchicalNamespace")


def _lustre(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {
        "name": resource.id,
        "mountPoint": f"{address(resource.id)}@tcp:/{resource['filesystem']}",
        "state": "ACTIVE",
        "createTime": resource.created,
        "updateTime": resource.created,
        "uid": "",
    }


def _filestore(resource: Resource, world: World) -> Props:  # noqa: ARG001
    given = resource["networks"] or []
    networks = [{**one, "ipAddresses": one.get("ipAddresses") or [address(resource.id)]} for one in given]
    return {"networks": networks, "createTime": resource.created, "etag": ""}


def _repository(resource: Resource, world: World) -> Props:  # noqa: ARG001
    kind = str(resource["format"]).lower()
    return {
        "name": resource["repositoryId"],
        "registryUri": f"{resource['location']}-{kind}.pkg.dev/{resource['project']}/{resource['repositoryId']}",
        "createTime": resource.created,
        "updateTime": resource.created,
    }


RECORDS = (
    Record(
        "gcp:storage/bucket:Bucket",
        "{name}",
        force=("location", "hierarchicalNamespace", "customPlacementConfig", "enableObjectRetention"),
        outputs=_bucket,
        rules=(_bucket_rules, labelled("labels")),
        values={
            "publicAccessPrevention": frozenset({"enforced", "inherited"}),
            "storageClass": frozenset(
                {
                    "STANDARD",
                    "MULTI_REGIONAL",
                    "REGIONAL",
                    "NEARLINE",
                    "COLDLINE",
                    "ARCHIVE",
                    "DURABLE_REDUCED_AVAILABILITY",
                }
            ),
        },
    ),
    Record(
        "gcp:lustre/instance:Instance",
        "projects/{project}/locations/{location}/instances/{instanceId}",
        naming=None,
        force=("*",),
        keep=("labels", "description", "capacityGib", "accessRulesOptions", "maintenancePolicy", "deletionPolicy"),
        outputs=_lustre,
        rules=(named("instanceId"), labelled("labels")),
        refers={"network": NETWORK},
        values={"perUnitStorageThroughput": frozenset({"125", "250", "500", "1000"})},
    ),
    Record(
        "gcp:filestore/instance:Instance",
        "projects/{project}/locations/{location}/instances/{name}",
        force=("tier", "networks", "kmsKeyName", "protocol", "initialReplication", "tags"),
        place="location",
        outputs=_filestore,
        computed=("networks",),
        rules=(named("name"), labelled("labels")),
        values={
            "tier": frozenset(
                {"STANDARD", "PREMIUM", "BASIC_HDD", "BASIC_SSD", "HIGH_SCALE_SSD", "ZONAL", "REGIONAL", "ENTERPRISE"}
            )
        },
    ),
    Record(
        "gcp:artifactregistry/repository:Repository",
        "projects/{project}/locations/{location}/repositories/{repositoryId}",
        naming=None,
        force=("format", "kmsKeyName", "mode"),
        place="location",
        outputs=_repository,
        rules=(named("repositoryId"), labelled("labels")),
        values={"format": frozenset({"DOCKER", "MAVEN", "NPM", "PYTHON", "APT", "YUM", "KFP", "GO", "GENERIC"})},
    ),
)
