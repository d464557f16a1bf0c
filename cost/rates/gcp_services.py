"""Other Google services: buckets, registries, Redis, secrets, keys."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from cost.rates.gcp_network import tiered_egress
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
EGRESS = "monthly_egress_data_transfer_gb"
FAR = {
    "worldwide": "worldwide excluding Asia, Australia",
    "asia": "Asia excluding China, but including Hong Kong",
    "china": "China excluding Hong Kong",
    "australia": "Australia",
}
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
    yield from _operations(it, label)
    yield from _egress(it)


def _operations(it: Subject, label: str) -> Iterator[Found]:
    """Requests that write or list (class A) and that read (class B), by the storage class."""
    for item, key in (
        ("Object adds, bucket/object list (class A)", "monthly_class_a_operations"),
        ("Object gets, retrieve bucket/object metadata (class B)", "monthly_class_b_operations"),
    ):
        name = {"multi_regional": "standard", "regional": "standard"}.get(label, label)
        price = it.gcp("google_storage_bucket", item, GLOBAL, **{"class": name})
        yield from it.used(item, key, price, per=10_000, quiet=True)


def _egress(it: Subject) -> Iterator[Found]:
    service = "google_storage_bucket"
    price = it.gcp(service, "Data transfer in same continent", GLOBAL)
    key = f"{EGRESS}.same_continent"
    yield from it.used("Data transfer in same continent", key, price, unit="GB", quiet=True)
    for place, text in FAR.items():
        yield from tiered_egress(it, service, f"Data transfer to {text}", place)


@rate("gcp:container/registry:Registry")
def container_registry(it: Subject) -> Iterator[Found]:
    """A bucket behind: its storage, requests and traffic."""
    place = it.text("location", "US").lower()
    price = it.gcp("storage-bucket", "standard-multi" if place in MULTI else "standard", MULTI.get(place, place))
    yield from it.used("Storage (standard)", "storage_gb", price, unit="GiB-month")
    it.usage.given("monthly_data_retrieval_gb")
    yield from _operations(it, "standard")
    yield from _egress(it)


@rate("gcp:artifactregistry/repository:Repository")
def artifact_registry(it: Subject) -> Iterator[Found]:
    """Storage costs the same in every region; traffic by the continents of both ends."""
    service = "google_artifact_registry_repository"
    price = it.gcp(service, "Storage", GLOBAL)
    key = "monthly_storage_gb" if it.usage.raw("monthly_storage_gb") is not None else "storage_gb"
    yield from it.used("Storage", key, price, unit="GB")
    sent = it.usage.raw(EGRESS)
    if isinstance(sent, dict):
        for place in sent:
            yield from _sent(it, service, str(place).replace("_", "-"), f"{EGRESS}.{place}")


def _sent(it: Subject, service: str, to: str, key: str) -> Iterator[Found]:
    """Free within a region, and from a multi-region to a region of its continent."""
    here, there = _continent(it.region or ""), _continent(to)
    if to == it.region or (here == there and "-" not in (it.region or "")):
        it.usage.given(key)
        return
    if there == "Oceania":
        name = "Data egress to Oceania"
    elif here == "Oceania":
        name = "Data egress from Oceania"
    elif here == there:
        name = f"Data egress {here} to {there}"
    else:
        name = "Intercontinental (Excl Oceania)"
    yield from it.used(f"{name} ({to})", key, it.gcp(service, name, GLOBAL), unit="GB")


def _continent(region: str) -> str:
    head = region.lower().partition("-")[0]
    names = {"europe": "Europe", "eu": "Europe", "asia": "AsiaPacific", "australia": "Oceania"}
    return names.get(head, "North America" if head in ("us", "northamerica") else head)


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
    """Key versions by usage, else one for each rotation in a month and one at least."""
    service, software = "google_kms_crypto_key", it.text("versionTemplate.protectionLevel", "SOFTWARE") == "SOFTWARE"
    symmetric = it.text("versionTemplate.algorithm", "GOOGLE_SYMMETRIC_ENCRYPTION") == "GOOGLE_SYMMETRIC_ENCRYPTION"
    versions = it.usage.given("key_versions")
    rotation = it.text("rotationPeriod").removesuffix("s")
    plain = software or symmetric
    if versions is None and rotation:
        price = it.gcp(service, "Key versions", GLOBAL) if plain else None
        made = max(Decimal(MONTH_S) / Decimal(rotation), Decimal(1))
        yield it.fixed("Key versions", made, price, unit="months", steps=(f"a new version every {rotation} s",))
    elif versions is not None and not plain:
        for tier, part in zip(HSM_TIERS, split(versions, HSM_TIERS), strict=True):
            name = f"Key versions ({tier.label})"
            yield from it.metered(name, part, it.gcp(service, name, GLOBAL), "key_versions")
    else:
        yield from it.used("Key versions", "key_versions", it.gcp(service, "Key versions", GLOBAL))
    price = it.gcp(service, "Operations", GLOBAL, protection_level="SOFTWARE" if plain else "HSM")
    yield from it.used("Operations", "monthly_key_operations", price, per=10_000)
