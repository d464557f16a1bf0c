"""Types that are billed by their use alone and of which the catalog holds no price: named, never called free.

What they cost is not in a plan, and no usage key would help before there is a price.
"""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Gap, Subject

USES = {
    "aws:appconfig/application:Application": "requests for configuration",
    "aws:backup/framework:Framework": "evaluations of its controls",
    "aws:batch/computeEnvironment:ComputeEnvironment": "machines that AWS Batch starts, outside the plan",
    "aws:cloudfront/keyValueStore:KeyValueStore": "reads by functions",
    "aws:cloudfront/monitoringSubscription:MonitoringSubscription": "additional metrics",
    "aws:cloudfront/realtimeLogConfig:RealtimeLogConfig": "log lines: give monthly_log_lines at the distribution",
    "aws:cloudwatch/eventArchive:EventArchive": "archived events: give archive_storage_gb at the bus",
    "aws:cloudwatch/eventEndpoint:EventEndpoint": "replicated events",
    "aws:cloudwatch/logAccountPolicy:LogAccountPolicy": "data that a data-protection policy scans",
    "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy": "data scanned",
    "aws:cognito/riskConfiguration:RiskConfiguration": "users under threat protection",
    "aws:datasync/task:Task": "data copied",
    "aws:ecrpublic/repository:Repository": "storage and transfer above the free allowance",
    "aws:inspector/assessmentTemplate:AssessmentTemplate": "assessments of agents",
    "aws:iot/topicRule:TopicRule": "rules triggered and actions run",
    "aws:kinesis/streamConsumer:StreamConsumer": "consumer-shard hours: give them at the stream",
    "aws:scheduler/schedule:Schedule": "invocations above the free 14 million a month",
    "aws:schemas/discoverer:Discoverer": "events: give monthly_schema_discovery_events at the bus",
    "aws:sesv2/dedicatedIpPool:DedicatedIpPool": "addresses of the pool",
    "gcp:bigquery/dataTransferConfig:DataTransferConfig": "runs of a connector",
    "gcp:cloudbuild/trigger:Trigger": "build minutes",
    "gcp:endpoints/service:Service": "calls above the free two million a month",
    "gcp:eventarc/trigger:Trigger": "events delivered",
    "gcp:firestore/document:Document": "storage and writes",
    "gcp:identityplatform/config:Config": "active users",
    "gcp:identityplatform/tenant:Tenant": "active users",
    "gcp:recaptcha/enterpriseKey:EnterpriseKey": "assessments above the free allowance",
    "gcp:storage/transferJob:TransferJob": "data that agents move",
}


@rate(*USES)
def by_use(it: Subject) -> Iterator[Found]:
    yield Gap("Use", f"billed by {USES[it.resource.type]}; the catalog has no price of it", "usage")
