"""What operates the rest at Google: logs, metrics, key versions, authorities, environments, notebooks, serving."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from catalog import prices
from cost.registry import rate
from cost.subject import Found, Gap, Subject
from cost.tiers import Tier, split

ANYWHERE = "us-central1"
"""Where the catalog keeps prices that hold in every region."""
MONITORING = (Tier("first 100K", 100_000), Tier("next 150K", 150_000), Tier("over 250K", None))


@rate(
    "gcp:logging/billingAccountBucketConfig:BillingAccountBucketConfig",
    "gcp:logging/billingAccountSink:BillingAccountSink",
    "gcp:logging/folderBucketConfig:FolderBucketConfig",
    "gcp:logging/folderSink:FolderSink",
    "gcp:logging/organizationBucketConfig:OrganizationBucketConfig",
    "gcp:logging/organizationSink:OrganizationSink",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig",
    "gcp:logging/projectSink:ProjectSink",
)
def logs(it: Subject) -> Iterator[Found]:
    """Ingestion, and what is kept longer than 30 days. A sink by itself is free: what it feeds is paid there."""
    item, sink = "Logging data", it.resource.type.endswith("Sink")
    key = "monthly_ingestion_gib" if it.usage.raw("monthly_ingestion_gib") is not None else "monthly_logging_data_gb"
    yield from it.used(item, key, it.gcp("google_logging", item, ANYWHERE), unit="GB", quiet=sink)
    item = "Log retention (beyond 30 days)"
    price = it.gcp("google_logging_project_bucket", item, ANYWHERE)
    yield from it.used(item, "monthly_retained_gib", price, quiet=True)


@rate("gcp:monitoring/metricDescriptor:MetricDescriptor")
def metrics(it: Subject) -> Iterator[Found]:
    service, key = "google_monitoring_metric_descriptor", "monthly_monitoring_data_mb"
    amount = it.usage.given(key)
    if amount is None:
        yield it.depends("Monitoring data", key)
    else:
        for tier, part in zip(MONITORING, split(amount, MONITORING), strict=True):
            item = f"Monitoring data ({tier.label})"
            yield from it.metered(item, part, it.gcp(service, item, ANYWHERE), key, unit="MB")
    item = "API calls"
    yield from it.used(item, "monthly_api_calls", it.gcp(service, item, ANYWHERE), per=1000, quiet=True)


@rate("gcp:kms/cryptoKeyVersion:CryptoKeyVersion")
def key_version(it: Subject) -> Iterator[Found]:
    """An enabled version kept in software; those of modules cost otherwise."""
    if it.text("state", "ENABLED") != "ENABLED":
        return
    owner = it.referred("cryptoKey", "gcp:kms/cryptoKey:CryptoKey")
    level = it.text("protectionLevel") or (
        it.other(owner).text("versionTemplate.protectionLevel", "SOFTWARE") if owner else "SOFTWARE"
    )
    price = it.gcp("google_kms_crypto_key", "Key versions", ANYWHERE) if level == "SOFTWARE" else None
    yield it.fixed("Key version", 1, price, unit="months")


@rate("gcp:certificateauthority/authority:Authority")
def authority(it: Subject) -> Iterator[Found]:
    pool = it.referred("pool", "gcp:certificateauthority/caPool:CaPool")
    tier = it.other(pool).text("tier", "DEVOPS") if pool else it.usage.text("tier", "DEVOPS")
    item = f"Certificate authority ({tier})"
    yield it.fixed(item, 1, it.gcp("google_privateca_certificate_authority", item, ANYWHERE), unit="months")


@rate("gcp:composer/environment:Environment")
def composer(it: Subject) -> Iterator[Found]:
    size = it.text("config.environmentSize", "ENVIRONMENT_SIZE_SMALL").removeprefix("ENVIRONMENT_SIZE_").lower()
    item = f"Environment ({size})"
    yield it.hours(item, it.gcp("google_composer_environment", item), what="environment")


@rate("gcp:looker/instance:Instance")
def looker(it: Subject) -> Iterator[Found]:
    item = f"Looker instance ({it.text('platformEdition', 'LOOKER_CORE_STANDARD')})"
    yield it.hours(item, it.gcp("google_looker_instance", item, ANYWHERE), what="instance")


@rate("gcp:vmwareengine/cluster:Cluster")
def vmware(it: Subject) -> Iterator[Found]:
    nodes = sum((Decimal(str(entry.get("nodeCount") or 0)) for entry in it.entries("nodeTypeConfigs")), Decimal(0))
    item = "ESXi nodes"
    yield it.hours(item, it.gcp("google_vmwareengine_cluster", item), nodes or Decimal(3), what="nodes")


@rate("gcp:vertex/aiEndpoint:AiEndpoint")
def serving(it: Subject) -> Iterator[Found]:
    """Machines are those of the models deployed to it, by usage: an endpoint alone costs nothing."""
    kind, count = it.usage.text("machine_type", "n1-standard-4"), it.usage.given("min_replica_count")
    if count is None:
        yield it.depends("Serving nodes", "machine_type and min_replica_count")
    elif any(count):
        item = f"Serving nodes ({kind})"
        price = it.gcp("google_vertex_ai_endpoint", item)
        yield from it.metered(item, count.times(Decimal(730)), price, "min_replica_count", unit="hours")


@rate("gcp:workbench/instance:Instance")
def workbench(it: Subject) -> Iterator[Found]:
    """At the rate of the machine; its disks are not in the inputs unless they are given."""
    kind = it.text("gceSetup.machineType", "e2-standard-4")
    price = prices.gcp_instance(kind, it.region) if it.region else None
    yield it.hours(f"Instance usage ({kind})", price, purchase="on-demand", what=kind)
    if it.entries("gceSetup.acceleratorConfigs"):
        yield it.gap("Accelerators")


@rate("gcp:filestore/instance:Instance")
def filestore(it: Subject) -> Iterator[Found]:
    tier = {"BASIC_HDD": "STANDARD"}.get(it.text("tier", "STANDARD").upper(), it.text("tier", "STANDARD").upper())
    item = f"Capacity ({tier})"
    price = it.gcp("google_filestore_instance", item)
    yield it.fixed(item, it.amount("fileShares.capacityGb", 1024), price, unit="GiB")


@rate("gcp:lustre/instance:Instance", "gcp:parallelstore/instance:Instance")
def parallel_file_system(it: Subject) -> Iterator[Found]:
    """Managed Lustre by the GiB and its throughput tier: the catalog has no price of it."""
    size, tier = it.text("capacityGib", "unknown"), it.text("perUnitStorageThroughput")
    speed = f", {tier} MB/s/TiB" if tier else ""
    yield Gap(f"Capacity ({size} GiB{speed})", "the catalog has no price of Google's managed Lustre; refresh needed")


@rate("gcp:gkebackup/backupPlan:BackupPlan")
def backup_plan(it: Subject) -> Iterator[Found]:
    yield from it.used("Backup storage", "storage_gb", it.gcp("google_gke_backup_backup_plan", "Backup storage"))
