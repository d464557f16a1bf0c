"""Services bought by the account or the desk: Lightsail, WorkSpaces, AppStream, Shield, hybrid machines, HSMs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.meters import MILLION, Meter, metered
from cost.registry import rate
from cost.subject import Found, Subject


@rate("aws:lightsail/instance:Instance")
def light_instance(it: Subject) -> Iterator[Found]:
    """By bundle; the catalog holds three."""
    bundle, service = it.text("bundleId"), "aws_lightsail_instance"
    windows = "_win_" in bundle
    item = f"Virtual server ({'Windows' if windows else 'Linux/UNIX'})"
    yield it.hours(item, it.aws(service, item, bundle_id=bundle), what="server")


@rate("aws:lightsail/database:Database")
def light_database(it: Subject) -> Iterator[Found]:
    item = f"Database ({it.text('bundleId') or it.text('relationalDatabaseBundleId')})"
    yield it.hours(item, it.aws("aws_lightsail_database", item), what="database")


@rate("aws:lightsail/bucket:Bucket")
def light_bucket(it: Subject) -> Iterator[Found]:
    item = f"Bucket ({it.text('bundleId', 'small_1_0')})"
    yield it.fixed(item, 1, it.aws("aws_lightsail_bucket", item), unit="months")


@rate("aws:lightsail/distribution:Distribution")
def light_distribution(it: Subject) -> Iterator[Found]:
    item = f"CDN distribution ({it.text('bundleId', 'small_1_0')})"
    yield it.fixed(item, 1, it.globally("aws_lightsail_distribution", item), unit="months")


@rate("aws:appstream/fleet:Fleet")
def stream_fleet(it: Subject) -> Iterator[Found]:
    """Instances that the fleet keeps, at the running rate of an always-on fleet."""
    item = f"Fleet instances ({it.text('instanceType')})"
    count = it.amount("computeCapacity.desiredInstances", 1)
    yield it.hours(item, it.aws("aws_appstream_fleet", item), count, what="instances")


@rate("aws:workspaces/workspace:Workspace")
def workspace(it: Subject) -> Iterator[Found]:
    kind = it.text("workspaceProperties.computeTypeName", "VALUE")
    if it.text("workspaceProperties.runningMode", "ALWAYS_ON") != "ALWAYS_ON":
        yield it.gap(f"WorkSpace ({kind}, by the hour)")
        return
    item = f"WorkSpace ({kind}, always on)"
    yield it.fixed(item, 1, it.aws("aws_workspaces_workspace", item), unit="months")


@rate("aws:shield/protection:Protection")
def shield(it: Subject) -> Iterator[Found]:
    """Paid once for an organization: each protection shows the whole fee unless usage says its share."""
    item, key = "Shield Advanced subscription", "monthly_subscription_share"
    price, share = it.globally("aws_shield_protection", item), it.usage.given(key)
    part = share.base / price.usd if share and price else Decimal(1)
    yield it.fixed(item, part, price, unit="months")


@rate("aws:fms/policy:Policy")
def firewall_policy(it: Subject) -> Iterator[Found]:
    item = "Firewall Manager policy"
    yield it.fixed(item, 1, it.aws("aws_fms_policy", item), unit="months")


@rate("aws:storagegateway/gateway:Gateway")
def storage_gateway(it: Subject) -> Iterator[Found]:
    item = "Data written"
    yield from it.used(item, "monthly_data_written_gb", it.aws("aws_storagegateway_gateway", item))


@rate("aws:glacier/vault:Vault")
def archive(it: Subject) -> Iterator[Found]:
    item = "Archive storage"
    yield from it.used(item, "monthly_storage_gb", it.aws("aws_glacier_vault", item))


@rate("aws:xray/group:Group")
def traces(it: Subject) -> Iterator[Found]:
    yield from metered(
        it,
        lambda item: it.aws("aws_xray_group", item),
        Meter("Traces recorded", "monthly_traces_recorded", MILLION, asked=True),
        Meter("Traces scanned", "monthly_traces_scanned", MILLION),
        Meter("Insights traces", "monthly_insights_traces", MILLION),
    )


@rate("aws:cloudformation/stack:Stack", "aws:cloudformation/stackSet:StackSet")
def formation(it: Subject) -> Iterator[Found]:
    """Operations on third-party types. A stack whose template has AWS types only costs nothing."""
    service = "aws_cloudformation_stack"
    yield from metered(
        it,
        lambda item: it.aws(service, item),
        Meter("Handler operations", "monthly_handler_operations", asked=True),
        Meter("Durations above 30s", "monthly_duration_secs"),
    )


@rate("aws:cloudhsmv2/hsm:Hsm")
def hsm(it: Subject) -> Iterator[Found]:
    given = it.usage.given("monthly_hrs")
    price = it.aws("aws_cloudhsm_v2_hsm", "HSM usage")
    yield it.hours("HSM usage", price, hours=given.base if given else Decimal(730), what="HSM")


@rate("aws:ssm/activation:Activation")
def activation(it: Subject) -> Iterator[Found]:
    """Hybrid machines of the advanced tier; those of the standard tier are free."""
    if it.usage.text("instance_tier", "advanced").lower() != "advanced":
        it.usage.given("instances")
        return
    item = "On-prem managed instances (advanced)"
    yield from it.used(item, "instances", it.aws("aws_ssm_activation", item), times=730, unit="hours")


@rate("aws:s3/analyticsConfiguration:AnalyticsConfiguration")
def bucket_analytics(it: Subject) -> Iterator[Found]:
    price = it.aws("aws_s3_bucket_analytics_configuration", "Objects monitored")
    yield from it.used("Objects monitored", "monthly_monitored_objects", price, per=MILLION)


@rate("aws:s3/inventory:Inventory")
def bucket_inventory(it: Subject) -> Iterator[Found]:
    price = it.aws("aws_s3_bucket_inventory", "Objects listed")
    yield from it.used("Objects listed", "monthly_listed_objects", price, per=MILLION)
