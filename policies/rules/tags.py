"""Where things may be, of which kind, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .machines import NODE_GROUP
from .model import WITHOUT_DEFAULT_TAGS, Entries, Parameters, Resource, Violation, each, independently, resource_rule
from .tagged import TAGGED

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
PROVIDER = "pulumi:providers:aws"


@resource_rule(
    id="region-allowlist",
    title="Everything is in a region that is agreed",
    severity="high",
    level="mandatory",
    types=["*"],
    fix="use a region of the parameter regions, or add it there.",
    references=["NIST 800-53 SA-9"],
    parameters={"regions": None},
)
def region_allowlist(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """Data leaves the country, or machines run where nobody looks."""
    if resource.type.startswith("aws:") or resource.type == PROVIDER:
        if resource.has("region") and resource.get("region") not in given["regions"]:
            yield Violation(f"region {resource.get('region')} is not in the list.")
    elif resource.type.startswith(("gcp:", "pulumi:providers:gcp")):
        for path in ("region", "location", "zone"):
            place = str(resource.get(path, "global") or "global").lower()
            if place != "global" and not any(_within(place, str(region)) for region in given["regions"]):
                yield Violation(f"{path} {place} is not in the list.")


def _within(place: str, region: str) -> bool:
    """Whether a place of Google Cloud is a region, or a zone of it; some types give it as an address."""
    return place.rpartition("/")[2].removesuffix(f"-{place[-1:]}") == region or place.rpartition("/")[2] == region


@resource_rule(
    id="instance-type-allowlist",
    title="Machines are of families that are agreed",
    severity="medium",
    level="advisory",
    types=[TEMPLATE, NODE_GROUP, INSTANCE],
    fix="use an instance family of the parameter families, or add it there.",
    parameters={"families": None},
)
def instance_type_allowlist(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """Prices differ by a factor of thousand between families."""

    def one(kind: Any) -> Iterator[Violation]:
        if kind and str(kind).partition(".")[0] not in given["families"] and kind not in given["families"]:
            yield Violation(f"{kind} is of no family in the list.")

    yield from each(independently(resource.items("instanceType"), resource.items("instanceTypes")), one)


KEYS = ("dc:site", "dc:environment", "dc:owner", "dc:cost-center")


def _fill(resource: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if resource.type in TAGGED:
        for key in given["keys"]:
            if key in resource.tags or key not in given["defaults"]:
                continue
            if resource.type in WITHOUT_DEFAULT_TAGS:
                yield "tags.-", {"key": key, "value": given["defaults"][key], "propagateAtLaunch": True}
            else:
                yield f"tags.{str(key).replace('.', '%')}", given["defaults"][key]


@resource_rule(
    id="required-tags",
    title="Everything says whose it is",
    severity="medium",
    level="mandatory",
    types=[*TAGGED],
    fix="set the tags, best once as default tags of the provider.",
    references=["CKV_AWS_153", "FSBP Tagging", "NIST 800-53 CM-8"],
    parameters={"keys": KEYS, "values": {}, "defaults": {}},
    remedy=_fill,
)
def required_tags(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """What belongs to nobody is paid for by everybody, and deleted by nobody. Default tags of the provider count."""
    tags = Entries(resource.tags, "tags")
    if missing := [str(key) for key in given["keys"] if key not in tags]:
        yield Violation(f"the tags {', '.join(missing)} are missing.", check="keys")
    allowed: Mapping[str, Any] = given["values"]

    def one(key: str) -> Iterator[Violation]:
        if isinstance(tags.get(key), str) and tags[key] not in allowed[key]:
            yield Violation(
                f"tag {key} is {tags[key]}, not one of {', '.join(map(str, allowed[key]))}.", check="values"
            )

    yield from each(allowed, one)
