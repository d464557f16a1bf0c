"""Databases, caches, builds, logs, messages and budgets."""

from __future__ import annotations

from sandbox.providers.gcp.record import Record, Resource, World
from sandbox.providers.gcp.types.shapes import PROJECT_NUMBER, address, labelled, named, number
from sandbox.providers.protocol import Props

DATABASE, TOPIC = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:pubsub/topic:Topic"


def _database(resource: Resource, world: World) -> Props:  # noqa: ARG001
    private, name = address(resource.id, second=201), f"p{PROJECT_NUMBER}-{number(resource.id) & 0xFFFFFF:x}"
    place = f"projects/{resource['project']}/instances/{resource['name']}"
    return {
        "connectionName": f"{resource['project']}:{resource['region']}:{resource['name']}",
        "privateIpAddress": private,
        "firstIpAddress": private,
        "ipAddresses": [{"ipAddress": private, "type": "PRIVATE", "timeToRetire": ""}],
        "serviceAccountEmailAddress": f"{name}@gcp-sa-cloud-sql.iam.gserviceaccount.com",
        "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/{place}",
    }


def _cache(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {
        "name": resource.id,
        "state": "ACTIVE",
        "createTime": resource.created,
        "updateTime": resource.created,
        "uid": f"{number(resource.id):x}",
        "discoveryEndpoints": [{"address": address(resource.id, second=202), "port": 6379, "network": ""}],
    }


def _created(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {"createTime": resource.created, "updateTime": resource.created, "state": "RUNNING", "uid": ""}


def _sink(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {"writerIdentity": f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"}


RECORDS = (
    Record(
        DATABASE,
        "{name}",
        force=("region", "databaseVersion", "encryptionKeyName", "masterInstanceName"),
        place="region",
        outputs=_database,
        rules=(named("name", 98), labelled("settings.userLabels")),
        protected="deletionProtection",
    ),
    Record(
        "gcp:sql/database:Database",
        "projects/{project}/instances/{instance}/databases/{name}",
        outputs=lambda resource, world: {  # noqa: ARG005
            "selfLink": f"https://sqladmin.googleapis.com/sql/v1beta4/{resource.id}"
        },
        refers={"instance": DATABASE},
    ),
    Record(
        "gcp:sql/user:User",
        "{name}/{host}/{instance}",
        force=("instance", "host", "type"),
        refers={"instance": DATABASE},
    ),
    Record(
        "gcp:memorystore/instance:Instance",
        "projects/{project}/locations/{location}/instances/{instanceId}",
        naming=None,
        force=("authorizationMode", "transitEncryptionMode", "mode", "desiredAutoCreatedEndpoints", "kmsKey"),
        place="location",
        outputs=_cache,
        rules=(named("instanceId"), labelled("labels")),
        protected="deletionProtectionEnabled",
        values={"authorizationMode": frozenset({"AUTH_DISABLED", "IAM_AUTH"})},
    ),
    Record(
        "gcp:cloudbuild/trigger:Trigger",
        "projects/{project}/locations/{location}/triggers/{serial}",
        place="location",
        outputs=lambda resource, world: {  # noqa: ARG005
            "createTime": resource.created,
            "triggerId": resource.id.rpartition("/")[2],
        },
    ),
    Record(
        "gcp:cloudbuild/workerPool:WorkerPool",
        "projects/{project}/locations/{location}/workerPools/{name}",
        place="location",
        outputs=_created,
        rules=(named("name"),),
    ),
    Record(
        "gcp:logging/projectBucketConfig:ProjectBucketConfig",
        "projects/{project}/locations/{location}/buckets/{bucketId}",
        naming=None,
        outputs=lambda resource, world: {"name": resource.id, "lifecycleState": "ACTIVE"},  # noqa: ARG005
    ),
    Record("gcp:logging/projectSink:ProjectSink", "projects/{project}/sinks/{name}", outputs=_sink),
    Record(
        "gcp:billing/budget:Budget",
        "billingAccounts/{billingAccount}/budgets/{serial}",
        naming=None,
        force=("billingAccount",),
        outputs=lambda resource, world: {"name": resource.id.rpartition("/")[2]},  # noqa: ARG005
    ),
    Record(
        TOPIC,
        "projects/{project}/topics/{name}",
        force=("kmsKeyName", "messageStoragePolicy"),
        rules=(labelled("labels"),),
    ),
    Record(
        "gcp:pubsub/subscription:Subscription",
        "projects/{project}/subscriptions/{name}",
        force=("topic",),
        rules=(labelled("labels"),),
        refers={"topic": TOPIC},
    ),
)
