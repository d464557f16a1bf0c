"""S3 buckets by storage class. Everything depends on usage; keys are those of infracost: `standard.storage_gb`.

A GB here is what AWS bills: 2^30 bytes. Keys without a class (`standard_storage_gb`, `monthly_tier_1_requests`) mean
the standard class.
"""

from __future__ import annotations

from collections.abc import Iterator

from cost.registry import rate
from cost.subject import Found, Subject

SERVICE = "aws_s3_bucket"
PUT, GET = "PUT, COPY, POST, LIST requests", "GET, SELECT, and all other requests"
REQUESTS = (("monthly_tier_1_requests", PUT, 1000), ("monthly_tier_2_requests", GET, 1000))
SELECT = (
    ("monthly_select_data_scanned_gb", "Select data scanned", 1),
    ("monthly_select_data_returned_gb", "Select data returned", 1),
)
TRANSITION = (("monthly_lifecycle_transition_requests", "Lifecycle transition", 1000),)
RETRIEVAL = (("monthly_data_retrieval_gb", "Retrievals", 1),)
STORAGE = (("storage_gb", "Storage", 1),)
INFREQUENT = (*STORAGE, *REQUESTS, *TRANSITION, *RETRIEVAL, *SELECT)
CLASSES: dict[str, tuple[str, tuple[tuple[str, str, int], ...]]] = {
    "standard": ("Standard", (*STORAGE, *REQUESTS, *SELECT)),
    "standard_infrequent_access": ("Standard - infrequent access", INFREQUENT),
    "one_zone_infrequent_access": ("One zone - infrequent access", INFREQUENT),
    "intelligent_tiering": (
        "Intelligent tiering",
        (
            ("frequent_access_storage_gb", "Storage (frequent access)", 1),
            ("infrequent_access_storage_gb", "Storage (infrequent access)", 1),
            ("archive_access_storage_gb", "Storage (archive access)", 1),
            ("deep_archive_access_storage_gb", "Storage (deep archive access)", 1),
            ("monitored_objects", "Monitoring and automation", 1000),
            *REQUESTS,
            *TRANSITION,
            *SELECT,
            ("early_delete_gb", "Early delete (within 30 days)", 1),
        ),
    ),
    "glacier_flexible_retrieval": (
        "Glacier flexible retrieval",
        (
            *STORAGE,
            *REQUESTS,
            *TRANSITION,
            ("monthly_standard_data_retrieval_requests", "Retrieval requests (standard)", 1000),
            ("monthly_standard_data_retrieval_gb", "Retrievals (standard)", 1),
            ("monthly_standard_select_data_scanned_gb", "Select data scanned (standard)", 1),
            ("monthly_standard_select_data_returned_gb", "Select data returned (standard)", 1),
            ("monthly_expedited_data_retrieval_requests", "Retrieval requests (expedited)", 1000),
            ("monthly_expedited_data_retrieval_gb", "Retrievals (expedited)", 1),
            ("monthly_expedited_select_data_scanned_gb", "Select data scanned (expedited)", 1),
            ("monthly_expedited_select_data_returned_gb", "Select data returned (expedited)", 1),
            ("monthly_bulk_select_data_scanned_gb", "Select data scanned (bulk)", 1),
            ("monthly_bulk_select_data_returned_gb", "Select data returned (bulk)", 1),
            ("early_delete_gb", "Early delete (within 90 days)", 1),
        ),
    ),
    "glacier_deep_archive": (
        "Glacier deep archive",
        (
            *STORAGE,
            *REQUESTS,
            *TRANSITION,
            ("monthly_standard_data_retrieval_requests", "Retrieval requests (standard)", 1000),
            ("monthly_standard_data_retrieval_gb", "Retrievals (standard)", 1),
            ("monthly_bulk_data_retrieval_requests", "Retrieval requests (bulk)", 1000),
            ("monthly_bulk_data_retrieval_gb", "Retrievals (bulk)", 1),
            ("early_delete_gb", "Early delete (within 180 days)", 1),
        ),
    ),
}
SHORT = {"storage_gb": "standard_storage_gb"}
"""Spellings of keys of the standard class without a class in front."""


@rate("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
def bucket(it: Subject) -> Iterator[Found]:
    for storage_class, (label, items) in CLASSES.items():
        for key, item, per in items:
            name, path = f"{label} > {item}", f"{storage_class}.{key}"
            short = SHORT.get(key, key)
            if storage_class == "standard" and it.usage.given(short) is not None:
                path = short
            quiet = storage_class != "standard" or key not in ("storage_gb", *(entry[0] for entry in REQUESTS))
            yield from it.used(name, path, it.aws(SERVICE, name), per=per, quiet=quiet)
    yield from it.used("Object tags", "object_tags", None, per=10_000, quiet=True)
