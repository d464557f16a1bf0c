"""Keys, logs, metrics, audit, secrets, directories and the other services that operate the rest."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

ASYMMETRIC = frozenset({"RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"})
ANOMALY = frozenset({"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"})
CERTIFICATES = (Tier("first 1K", 1000), Tier("next 9K", 9000), Tier("over 10K", None))
EVALUATIONS = (Tier("first 100K", 100_000), Tier("next 400K", 400_000), Tier("over 500K", None))
EVENTS = 100_000
CONTROLLERS = 2
"""Domain controllers of a directory at least (AWS Directory Service pricing)."""


@rate("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey", "aws:kms/externalKey:ExternalKey",
      "aws:kms/replicaExternalKey:ReplicaExternalKey")  # fmt: skip
def kms_key(it: Subject) -> Iterator[Found]:
    """A key costs by the month; each of its first two rotations adds as much again, which is not counted here."""
    service = "aws_kms_key"
    yield it.fixed("Customer master key", 1, it.aws(service, "Customer master key"), unit="months")
    spec = it.text("customerMasterKeySpec") or it.text("keySpec", "SYMMETRIC_DEFAULT")
    item = (
        "Requests (RSA 2048)" if spec == "RSA_2048" else "Requests (asymmetric)" if spec in ASYMMETRIC else "Requests"
    )
    yield from it.used(item, "monthly_requests", it.aws(service, item), per=10_000)


@rate("aws:cloudwatch/logGroup:LogGroup")
def log_group(it: Subject) -> Iterator[Found]:
    for item, key in (
        ("Data ingested", "monthly_data_ingested_gb"),
        ("Archival Storage", "storage_gb"),
        ("Insights queries data scanned", "monthly_data_scanned_gb"),
    ):
        price = it.aws("aws_cloudwatch_log_group", item)
        yield from it.used(item, key, price, unit="GB", quiet=key == "monthly_data_scanned_gb")


@rate("aws:cloudwatch/metricAlarm:MetricAlarm")
def alarm(it: Subject) -> Iterator[Found]:
    """An alarm pays for each metric it looks at; anomaly detection looks at three."""
    metrics = Decimal(max(sum(bool(entry.get("metric")) for entry in it.entries("metricQueries")), 1))
    queries = [entry.get("metric") or {} for entry in it.entries("metricQueries")]
    periods = [Decimal(str(entry["period"])) for entry in queries if entry.get("period")]
    period = min([*periods, it.amount("period")] if it.has("period") else periods or [Decimal(60)])
    item = "Standard resolution" if period >= 60 else "High resolution"
    anomaly = it.text("comparisonOperator") in ANOMALY
    price = it.aws("aws_cloudwatch_metric_alarm", item)
    name = f"{item} anomaly detection" if anomaly else item
    yield it.fixed(name, metrics * 3 if anomaly else metrics, price, unit="alarm metrics")


@rate("aws:cloudwatch/dashboard:Dashboard")
def dashboard(it: Subject) -> Iterator[Found]:
    """The first three dashboards of an account are free; which of them is not in a plan."""
    yield it.fixed("Dashboard", 1, it.aws("aws_cloudwatch_dashboard", "Dashboard"), unit="months")


@rate("aws:cloudtrail/trail:Trail")
def trail(it: Subject) -> Iterator[Found]:
    service = "aws_cloudtrail"
    yield from it.used("Data events", "monthly_data_events", it.aws(service, "Data events"), per=EVENTS)
    lake = "CloudTrail Lake ingestion"
    yield from it.used(lake, "monthly_lake_ingestion_gb", it.aws(service, lake), quiet=True)
    for item, key in (
        ("Management events (additional copies)", "monthly_additional_management_events"),
        ("Insight events", "monthly_insight_events"),
    ):
        yield from it.used(item, key, it.aws(service, item), per=EVENTS, quiet=True)


@rate("aws:cfg/rule:Rule", "aws:cfg/organizationManagedRule:OrganizationManagedRule",
      "aws:cfg/organizationCustomRule:OrganizationCustomRule")  # fmt: skip
def config_rule(it: Subject) -> Iterator[Found]:
    yield from tiered(it, "Rule evaluations", "monthly_rule_evaluations", "aws_config_config_rule", EVALUATIONS)


@rate("aws:cfg/recorder:Recorder")
def config_recorder(it: Subject) -> Iterator[Found]:
    for item, key in (("Config items", "monthly_config_items"), ("Custom config items", "monthly_custom_config_items")):
        price = it.aws("aws_config_configuration_recorder", item)
        yield from it.used(item, key, price, quiet=key != "monthly_config_items")


@rate("aws:ssm/parameter:Parameter")
def parameter(it: Subject) -> Iterator[Found]:
    """Standard parameters are free at standard throughput."""
    if it.text("tier", "Standard").lower() == "standard":
        it.usage.text("api_throughput_limit")
        return
    service = "aws_ssm_parameter"
    given = it.usage.given("parameter_storage_hrs")
    price = it.aws(service, "Parameter storage (advanced)")
    hours = given.base if given else Decimal(730)
    yield it.hours("Parameter storage (advanced)", price, hours=hours, what="parameter")
    limit = it.usage.text("api_throughput_limit", "advanced").lower()
    item = "API interactions (advanced)"
    price = it.aws(service, item) if limit in ("advanced", "higher") else None
    yield from it.used(item, "monthly_api_interactions", price, per=10_000)


@rate("aws:secretsmanager/secret:Secret")
def secret(it: Subject) -> Iterator[Found]:
    service = "aws_secretsmanager_secret"
    yield it.fixed("Secret", 1, it.aws(service, "Secret"), unit="months")
    yield from it.used("API requests", "monthly_requests", it.aws(service, "API requests"), per=10_000)


@rate("aws:directoryservice/directory:Directory")
def directory(it: Subject) -> Iterator[Found]:
    """Two domain controllers at least; controllers and shared accounts are quoted by the month."""
    service, kind = "aws_directory_service_directory", it.text("type", "SimpleAD")
    size = it.text("edition", "Enterprise") if kind == "MicrosoftAD" else it.text("size", "Small")
    name = {"MicrosoftAD": "Microsoft AD", "SimpleAD": "Simple AD", "ADConnector": "AD Connector"}.get(kind, kind)
    item = f"Directory service ({name}, {size})"
    price = it.aws(service, item)
    yield it.fixed(item, CONTROLLERS, price, unit="controllers")
    yield from it.used("Additional domain controllers", "additional_domain_controllers", price, quiet=True)
    if kind == "MicrosoftAD":
        shared = it.aws(service, "Directory sharing") if size == "Standard" else None
        yield from it.used("Directory sharing", "shared_accounts", shared, quiet=True)


@rate("aws:acmpca/certificateAuthority:CertificateAuthority")
def certificate_authority(it: Subject) -> Iterator[Found]:
    service, item = "aws_acmpca_certificate_authority", "Private certificate authority"
    if it.text("usageMode") == "SHORT_LIVED_CERTIFICATE":
        item += " (short-lived certificate mode)"
        yield it.fixed(item, 1, it.aws(service, item), unit="months")
        short = "Certificates (short-lived)"
        yield from it.used(short, "monthly_requests", it.aws(service, short))
        return
    yield it.fixed(item, 1, it.aws(service, item), unit="months")
    yield from tiered(it, "Certificates", "monthly_requests", service, CERTIFICATES)


@rate("aws:acm/certificate:Certificate")
def certificate(it: Subject) -> Iterator[Found]:
    """Public certificates are free; one of a private authority counts as issued by it."""
    if it.has("certificateAuthorityArn"):
        item = "Certificates (first 1K)"
        yield it.fixed(item, 1, it.aws("aws_acmpca_certificate_authority", item), unit="requests")


@rate("aws:acmpca/certificate:Certificate")
def issued_certificate(it: Subject) -> Iterator[Found]:
    """One certificate of a private authority, at the price of its first thousand a month."""
    item = "Certificates (first 1K)"
    yield it.fixed(item, 1, it.aws("aws_acmpca_certificate_authority", item), unit="requests")


@rate("aws:grafana/workspace:Workspace")
def grafana(it: Subject) -> Iterator[Found]:
    """One editor at least."""
    service = "aws_grafana_workspace"
    editors = it.usage.given("editors_administrator_licenses") or it.usage.given("editor_count")
    item = "Editor/administrator licenses"
    yield it.fixed(item, editors.base if editors else Decimal(1), it.aws(service, item), unit="users")
    key = "viewer_count" if it.usage.given("viewer_count") else "viewer_licenses"
    yield from it.used("Viewer licenses", key, it.aws(service, "Viewer licenses"), quiet=True)


@rate("aws:amp/workspace:Workspace")
def prometheus(it: Subject) -> Iterator[Found]:
    service, item = "aws_prometheus_workspace", "Samples ingested"
    millions = it.usage.given("monthly_samples_millions") is not None
    key, per = ("monthly_samples_millions", 10) if millions else ("monthly_samples", 10_000_000)
    yield from it.used(item, key, it.aws(service, item), per=per)
    yield from it.used("Metrics storage", "storage_gb", it.aws(service, "Metrics storage"), quiet=True)


@rate("aws:guardduty/detector:Detector")
def guard_duty(it: Subject) -> Iterator[Found]:
    service = "aws_guardduty_detector"
    for item, key in (
        ("CloudTrail events analyzed", "monthly_events_millions"),
        ("VPC flow + DNS logs analyzed", "monthly_log_gb"),
    ):
        yield from it.used(item, key, it.aws(service, item))


@rate("aws:macie2/account:Account")
def macie(it: Subject) -> Iterator[Found]:
    for item, key in (("Buckets evaluated", "bucket_count"), ("Data inspected", "monthly_inspected_gb")):
        yield from it.used(item, key, it.aws("aws_macie2_account", item))


@rate("aws:securityhub/account:Account")
def security_hub(it: Subject) -> Iterator[Found]:
    yield from it.used("Security checks", "monthly_checks", it.aws("aws_securityhub_account", "Security checks"))


@rate("aws:codepipeline/pipeline:Pipeline")
def pipeline(it: Subject) -> Iterator[Found]:
    yield it.fixed("Active pipeline", 1, it.aws("aws_codepipeline", "Active pipeline"), unit="months")


@rate("aws:codeartifact/domain:Domain")
def artifact_domain(it: Subject) -> Iterator[Found]:
    service = "aws_codeartifact_domain"
    yield from it.used("Artifact storage", "monthly_storage_gb", it.aws(service, "Artifact storage"))
    yield from it.used("Requests", "monthly_requests", it.aws(service, "Requests"), per=10_000, quiet=True)
