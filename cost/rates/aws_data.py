"""Data processing and learning services: Glue, Redshift, Athena, EMR, Airflow, Timestream, QLDB, Kendra, SageMaker.

The catalog holds the sizes that its sources name; any other is a gap with its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.meters import MILLION, Meter, metered
from cost.registry import rate
from cost.subject import Found, Gap, Subject
from cost.tiers import Tier, tiered

WORKER_DPU = {"Standard": 1, "G.1X": 1, "G.2X": 2, "G.4X": 4, "G.8X": 8, "G.025X": Decimal("0.25"), "Z.2X": 2}
"""Data processing units of a worker (AWS Glue developer guide, "Worker type")."""
DEFAULT_DPU, SHELL_DPU = Decimal(10), Decimal("0.0625")
BACKUP = (Tier("first 50 TB", 51_200), Tier("next 450 TB", 460_800), Tier("over 500 TB", None))


@rate("aws:glue/job:Job")
def glue_job(it: Subject) -> Iterator[Found]:
    """Hours by the DPUs of its workers, else its maximum capacity, else ten; a Python shell has a sixteenth of one."""
    price = it.aws("aws_glue_crawler", "Duration")
    key = "monthly_hours" if it.usage.raw("monthly_hours") is not None else "monthly_dpu_hours"
    if key == "monthly_dpu_hours" and it.usage.given(key) is not None:
        yield from it.used("Duration", key, price, unit="DPU-hours")
        return
    yield from it.used("Duration", "monthly_hours", price, times=_units(it), unit="DPU-hours")


def _units(it: Subject) -> Decimal:
    workers, kind = it.amount("numberOfWorkers"), it.text("workerType")
    if workers:
        return workers * WORKER_DPU.get(kind, 1)
    shell = it.text("command.name", "glueetl") == "pythonshell"
    return it.amount("maxCapacity", SHELL_DPU if shell else DEFAULT_DPU)


@rate("aws:glue/crawler:Crawler")
def glue_crawler(it: Subject) -> Iterator[Found]:
    key = "monthly_dpu_hours" if it.usage.raw("monthly_dpu_hours") is not None else "monthly_hours"
    yield from it.used("Duration", key, it.aws("aws_glue_crawler", "Duration"), unit="hours")


@rate("aws:glue/catalogDatabase:CatalogDatabase")
def glue_catalog(it: Subject) -> Iterator[Found]:
    """The keys count what exceeds the free million of objects and of requests."""
    service = "aws_glue_catalog_database"
    yield from metered(
        it,
        lambda item: it.aws(service, item),
        Meter("Storage", "monthly_objects", 100_000, asked=True),
        Meter("Requests", "monthly_requests", MILLION, asked=True),
    )


@rate("aws:redshift/cluster:Cluster")
def redshift(it: Subject) -> Iterator[Found]:
    service, kind = "aws_redshift_cluster", it.text("nodeType", "dc2.large")
    item, nodes = f"Cluster usage (on-demand, {kind})", it.amount("numberOfNodes", 1)
    yield it.hours(item, it.aws(service, item), nodes, what="nodes")
    if kind.startswith("ra3"):
        item = f"Managed storage ({kind})"
        yield from it.used(item, "managed_storage_gb", it.aws(service, item), unit="GB")
    item = f"Concurrency scaling ({kind})"
    yield from it.used(item, "excess_concurrency_scaling_secs", it.aws(service, item), quiet=True)
    yield from it.used("Spectrum", "spectrum_data_scanned_tb", it.aws(service, "Spectrum"), quiet=True)
    yield from tiered(it, "Backup storage", "backup_storage_gb", service, BACKUP, quiet=True)


@rate("aws:redshiftserverless/workgroup:Workgroup")
def redshift_serverless(it: Subject) -> Iterator[Found]:
    item = "Redshift processing units"
    yield from it.used(item, "monthly_rpu_hours", it.aws("aws_redshiftserverless_workgroup", item))


@rate("aws:athena/workgroup:Workgroup")
def athena(it: Subject) -> Iterator[Found]:
    yield from it.used("Data scanned", "monthly_scanned_tb", it.aws("aws_athena_workgroup", "Data scanned"))


@rate("aws:emr/cluster:Cluster")
def emr(it: Subject) -> Iterator[Found]:
    """The fee on top of each machine; the machines themselves appear as instances of the account, not in the plan."""
    groups = [(it.text("masterInstanceGroup.instanceType"), it.amount("masterInstanceGroup.instanceCount", 1)),
              (it.text("coreInstanceGroup.instanceType"), it.amount("coreInstanceGroup.instanceCount", 1))]  # fmt: skip
    named = [(kind, count) for kind, count in groups if kind]
    if not named:
        yield it.gap("Cluster", "it has instance fleets, or no instance type", "input")
    for kind, count in named:
        item = f"Service charge ({kind})"
        yield it.hours(item, it.aws("aws_emr_cluster", item), count, what="machines")
        yield Gap(f"Instance usage ({kind})", f"{count} machines that EMR starts: outside the plan", "input")


@rate("aws:mwaa/environment:Environment")
def airflow(it: Subject) -> Iterator[Found]:
    service, size = "aws_mwaa_environment", it.text("environmentClass", "mw1.small").rpartition(".")[2].title()
    item = f"Environment ({size})"
    yield it.hours(item, it.aws(service, item), what="environment")
    for name, key in (("Worker", "additional_workers"), ("Scheduler", "additional_schedulers")):
        item = f"{name} ({size})"
        yield from it.used(item, key, it.aws(service, item), times=730, unit="hours", quiet=True)
    yield from it.used("Meta database", "meta_database_gb", it.aws(service, "Meta database"))


@rate("aws:timestreamwrite/table:Table")
def timestream(it: Subject) -> Iterator[Found]:
    service = "aws_timestreamwrite_table"
    yield from metered(
        it,
        lambda item: it.aws(service, item),
        Meter("Writes", "monthly_writes_millions", asked=True),
        Meter("Magnetic storage", "magnetic_storage_gb", asked=True),
        Meter("Memory storage", "memory_storage_gb_hours"),
    )


@rate("aws:qldb/ledger:Ledger")
def ledger(it: Subject) -> Iterator[Found]:
    service = "aws_qldb_ledger"
    yield from metered(
        it,
        lambda item: it.aws(service, item),
        Meter("Write I/O", "monthly_write_ios_millions", asked=True),
        Meter("Read I/O", "monthly_read_ios_millions"),
        Meter("Indexed storage", "storage_gb", asked=True),
    )


@rate("aws:kendra/index:Index")
def kendra(it: Subject) -> Iterator[Found]:
    item = f"Index ({it.text('edition', 'ENTERPRISE_EDITION')})"
    yield it.fixed(item, 1, it.aws("aws_kendra_index", item), unit="months")


@rate("aws:sagemaker/notebookInstance:NotebookInstance")
def notebook(it: Subject) -> Iterator[Found]:
    item = f"Notebook instance ({it.text('instanceType')})"
    yield it.hours(item, it.aws("aws_sagemaker_notebook_instance", item), what="notebook")


@rate("aws:sagemaker/endpoint:Endpoint")
def endpoint(it: Subject) -> Iterator[Found]:
    """Machines are those of the endpoint's configuration."""
    configuration = it.referred("endpointConfigName", "aws:sagemaker/endpointConfiguration:EndpointConfiguration")
    if configuration is None:
        yield it.gap("Endpoint instances", "its configuration is not in the plan", "input")
        return
    for variant in it.other(configuration).entries("productionVariants"):
        kind = variant.get("instanceType")
        item = f"Endpoint instance hours ({kind})"
        count = variant.get("initialInstanceCount") or 1
        yield it.hours(item, it.aws("aws_sagemaker_endpoint", item), int(count), what="instances")
