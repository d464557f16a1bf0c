"""Other Google services: buckets, registries, Redis, secrets, keys, databases."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, split

GLOBAL = "us-central1"
"""Where the catalog keeps prices of services that cost the same everywhere."""
MULTI = {"us": "us-multi", "eu": "europe-multi", "europe": "europe-multi", "asia": "asia-multi"}
DUAL = frozenset({"asia1", "eur4", "nam4"})
CLASSES = {"STANDARD": "standard", "NEARLINE": "nearline", "COLDLINE": "coldline", "ARCHIVE": "archiv",
           "MULTI_REGIONAL": "standard", "REGIONAL": "standard", "DURABLE_REDUCED_AVAILABILITY": "dra"}  # fmt: skip
REDIS = ((4, "M1"), (10, "M2"), (35, "M3"), (100, "M4"))
"""Largest GB of each capacity tier; above them M5."""
MONTH_S = 2_592_000
"""Seconds of 30 days: how often a key is rotated in a month."""
HSM_TIERS = (Tier("first 2K", 2000), Tier("over 2K", None))


@rate("gcp:storage/bucket:Bucket")
def bucket(it: Subject) -> Iterator[Found]:
    """Storage and retrieval by class and kind of location. Operations have no price in the catalog."""
    place = it.text("location", it.region or "US").lower()
    kind = "-multi" if place in MULTI else "-dual" if place in DUAL else ""
    dimension = CLASSES.get(it.text("storageClass", "STANDARD").upper(), "") + kind
    where = MULTI.get(place, place)
    label = it.text("storageClass", "STANDARD").lower()
    key = "monthly_storage_gb" if it.usage.given("monthly_storage_gb") else "storage_gb"
    yield from it.used(f"Storage ({label})", key, it.gcp("storage-bucket", dimension, where), unit="GiB-month")
    retrieval = it.gcp("storage-retrieval", dimension, where)
    quiet = label == "standard"
    yield from it.used("Data retrieval", "monthly_data_retrieval_gb", retrieval, unit="GiB", quiet=quiet)
    for item, key in (
        ("Object adds, bucket/object list (class A)", "monthly_class_a_operations"),
        ("Object gets, retrieve bucket/object metadata (class B)", "monthly_class_b_operations"),
    ):
        yield from it.used(item, key, None, quiet=True)
    if it.usage.raw("monthly_egress_data_transfer_gb"):
        yield it.gap("Network egress")


@rate("gcp:artifactregistry/repository:Repository", "gcp:container/registry:Registry")
def registry(it: Subject) -> Iterator[Found]:
    yield from it.used("Storage", "storage_gb", None)
    if it.usage.raw("monthly_egress_data_transfer_gb"):
        yield it.gap("Data egress")


@rate("gcp:redis/instance:Instance")
def redis(it: Subject) -> Iterator[Found]:
    size = it.amount("memorySizeGb", 1)
    tier = next((name for most, name in REDIS if size <= most), "M5")
    kind = "standard" if it.text("tier", "BASIC") == "STANDARD_HA" else "basic"
    item = f"Redis instance ({kind}, {tier})"
    replicas = it.amount("replicaCount") if it.text("readReplicasMode") == "READ_REPLICAS_ENABLED" else Decimal(0)
    if replicas > 1:
        yield it.gap(f"{item} with read replicas")
        return
    yield it.fixed(item, size, it.gcp("google_redis_instance", item), unit="GB")


@rate("gcp:secretmanager/secret:Secret")
def secret(it: Subject) -> Iterator[Found]:
    """A version counts once for each place it is kept in."""
    service = "google_secret_manager_secret"
    places = len(it.entries("replication.userManaged.replicas")) or 1
    key = "active_versions" if it.usage.given("active_versions") else "active_secret_versions"
    item = "Active secret versions"
    yield from it.used(item, key, it.gcp(service, item, GLOBAL), times=places)
    item = "Access operations"
    yield from it.used(item, "monthly_access_operations", it.gcp(service, item, GLOBAL), per=10_000)
    item = "Rotation notifications"
    yield from it.used(item, "monthly_rotation_notifications", it.gcp(service, item, GLOBAL), quiet=True)


@rate("gcp:secretmanager/secretVersion:SecretVersion")
def secret_version(it: Subject) -> Iterator[Found]:
    """One active version in each place of its secret."""
    service, item = "google_secret_manager_secret", "Active secret versions"
    owner = it.referred("secret", "gcp:secretmanager/secret:Secret")
    places = len(it.other(owner).entries("replication.userManaged.replicas")) or 1 if owner else 1
    yield it.fixed(item, places, it.gcp(service, item, GLOBAL), unit="versions")
    price = it.gcp(service, "Access operations", GLOBAL)
    yield from it.used("Access operations", "monthly_access_operations", price, per=10_000)


@rate("gcp:kms/cryptoKey:CryptoKey")
def crypto_key(it: Subject) -> Iterator[Found]:
    """Key versions by usage, else one for each rotation in a month."""
    service, software = "google_kms_crypto_key", it.text("versionTemplate.protectionLevel", "SOFTWARE") == "SOFTWARE"
    symmetric = it.text("versionTemplate.algorithm", "GOOGLE_SYMMETRIC_ENCRYPTION") == "GOOGLE_SYMMETRIC_ENCRYPTION"
    versions = it.usage.given("key_versions")
    rotation = it.text("rotationPeriod").removesuffix("s")
    plain = software or symmetric
    if versions is None and rotation:
        price = it.gcp(service, "Key versions", GLOBAL) if plain else None
        yield it.fixed("Key versions", Decimal(MONTH_S) / Decimal(rotation), price, unit="months")
    elif versions is not None and not plain:
        for tier, part in zip(HSM_TIERS, split(versions, HSM_TIERS), strict=True):
            name = f"Key versions ({tier.label})"
            yield from it.metered(name, part, it.gcp(service, name, GLOBAL), "key_versions")
    else:
        yield from it.used("Key versions", "key_versions", it.gcp(service, "Key versions", GLOBAL))
    price = it.gcp(service, "Operations", GLOBAL, protection_level="SOFTWARE") if plain else None
    yield from it.used("Operations", "monthly_key_operations", price, per=10_000)


@rate("gcp:sql/databaseInstance:DatabaseInstance")
def database(it: Subject) -> Iterator[Found]:
    yield it.gap(f"SQL instance ({it.text('settings.tier')})")
    yield it.gap(f"Storage ({it.text('settings.diskType', 'PD_SSD')})")
