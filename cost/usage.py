"""How much a resource is used: a usage file, or assumptions where there is none.

A file has the shape of an infracost usage file: `resource_usage` by name (wildcards allowed), and
`resource_type_default_usage` by type, Pulumi's or Terraform's. A bare type of Terraform among the names counts as
such a default. A name is the logical name of a resource; of `type.name` the last part counts. A value is a number, or
`{low: .., base: .., high: ..}`. The assumptions are in `usage_defaults.csv`; they are for stacks of this project, where
it is better to see an order of magnitude than nothing.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from cost.model import Amount
from cost.terraform import terraform_type, terraform_types
from plan import Resource
from terminal import InvalidInput

DEFAULTS = Path(__file__).with_name("usage_defaults.csv")
FOLDER = Path(__file__).resolve().parent.parent / "stacks"
LEVELS = frozenset({"low", "base", "high"})
LEGACY = frozenset({"monthly_hours"})
"""Keys of old infracost files that it reads no longer: ignored with a note, as it does."""
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "storage_gb": (
        "monthly_storage_gb",
        "monthly_standard_storage_gb",
        "monthly_snapshot_gb",
        "monthly_data_stored_gb",
    ),
    "data_storage_gb": ("storage_gb", "monthly_storage_gb"),
    "infrequent_access_storage_gb": ("monthly_ia_storage_gb",),
    "backup_storage_gb": ("monthly_backup_storage_gb",),
    "snapshot_storage_size_gb": ("monthly_backup_storage_gb",),
    "monthly_data_ingested_gb": ("monthly_ingestion_gb",),
    "monthly_data_processed_gb": ("monthly_traffic_gb",),
    "monthly_data_uploaded_gb": ("monthly_upload_gb",),
    "monthly_data_downloaded_gb": ("monthly_download_gb",),
    "monthly_provisioned_put_units": ("monthly_put_payload_units",),
    "monthly_transitions": ("monthly_state_transitions",),
    "monthly_additional_management_events": ("monthly_management_events",),
    "kinesis_processing_units": ("parallelism",),
    "assigned_vms": ("active_vms",),
    "monthly_data_transfer_to_internet_gb.us": ("monthly_data_transfer_us_gb",),
    "monthly_data_transfer_to_internet_gb.europe": ("monthly_data_transfer_eu_gb",),
    "monthly_data_transfer_to_internet_gb.japan": ("monthly_data_transfer_jp_gb",),
}
"""What files of other tools call the same figure; the key of infracost, which comes first, wins."""
ALIKE = 0.84
"""From this similarity on, a key that nobody reads is taken for a misspelt one."""


class UsageError(InvalidInput):
    """A usage file that cannot be read, or names what does not exist."""


@dataclass(slots=True)
class ResourceUsage:
    """The usage of one resource. Remembers which keys were asked for, so that misspelt ones can be told."""

    values: Mapping[str, Any]
    assumed: Mapping[str, Amount]
    origin: str
    read: set[str] = field(default_factory=set)

    def raw(self, key: str) -> Any:
        """A value as the file has it; a dotted key goes into nested mappings."""
        self.read.add(key)
        value = self._at(key)
        for other in OTHER_NAMES.get(key, ()) if value is None else ():
            value = self._at(other)
            if value is not None:
                self.read.add(other)
                break
        return value

    def _at(self, key: str) -> Any:
        value: Any = self.values
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return None
            value = value[part]
        return value

    def given(self, key: str) -> Amount | None:
        """The amount in the file."""
        value = self.raw(key)
        if value is None:
            return None
        where = f"{self.origin}: {key}"
        if isinstance(value, Mapping):
            if not set(value) <= LEVELS or "base" not in value:
                raise UsageError(f"{where} is {dict(value)}; it must be a number, or low, base and high")
            base = _number(value["base"], where)
            return Amount(_number(value.get("low", base), where), base, _number(value.get("high", base), where))
        return Amount.of(_number(value, where))

    def get(self, key: str) -> tuple[Amount | None, bool]:
        """The amount and whether it is an assumption; (None, False) when nothing is known."""
        given = self.given(key)
        if given is not None:
            return given, False
        assumed = self.assumed.get(key)
        return assumed, assumed is not None

    def text(self, key: str, default: str = "") -> str:
        value = self.raw(key)
        return default if value is None else str(value)


def _number(value: Any, where: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise UsageError(f"{where} is {value!r}; it must be a number that is not negative")
    return number


@dataclass(frozen=True)
class Usage:
    """Usage of the resources of a plan."""

    named: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name or pattern, as in the file."""
    typed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By type: a Pulumi token, or Terraform's name of it."""
    assume: bool = False
    """Whether assumptions fill what is not given."""
    origin: str = "usage"

    def of(self, resource: Resource) -> ResourceUsage:
        values: dict[str, Any] = {}
        for token, entry in self.typed.items():
            if token == resource.type or token == terraform_type(resource.type):
                values |= entry
        for pattern, entry in self._ordered:
            if _matches(pattern, resource.name):
                values = _merged(values, entry)
        assumed = defaults().get(resource.type, {}) if self.assume else {}
        return ResourceUsage(values, assumed, f"{self.origin}: {resource.name}")

    @property
    def _ordered(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Patterns first, so that an exact name wins."""
        return sorted(self.named.items(), key=lambda entry: "*" not in entry[0])

    @staticmethod
    def unmatched_in(pattern: str, names: Iterable[str]) -> bool:
        """Whether no name fits a name or pattern of the file."""
        return not any(_matches(pattern, name) for name in names)

    def unmatched(self, resources: Iterable[Resource]) -> list[str]:
        """One line for each name that no resource of the plan has."""
        names = {resource.name for resource in resources}
        return [
            f"{self.origin}: resource_usage {pattern}: no resource of the plan has this name"
            f"{_near(_last(pattern), names)}"
            for pattern in self.named
            if self.unmatched_in(pattern, names)
        ]


def misspelt(usage: ResourceUsage) -> Iterator[str]:
    """One line for each key that looks like one that was asked for and was not given."""
    for key in _leaves(usage.values):
        if key in usage.read or key in LEGACY or any(known.startswith(f"{key}.") for known in usage.read):
            continue
        missing = [known for known in usage.read if usage.raw(known) is None]
        if near := difflib.get_close_matches(key, missing, n=1, cutoff=ALIKE):
            yield f"{usage.origin}: {key} is not a usage key of this resource; did you mean {near[0]}?"


def unread(usage: ResourceUsage) -> Iterator[str]:
    """Keys that were given and that nothing asked for."""
    for key in _leaves(usage.values):
        if key not in usage.read and not any(key.startswith(f"{known}.") for known in usage.read):
            yield key


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and not (value and set(value) <= LEVELS):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(old)
    for key, value in new.items():
        before = both.get(key)
        both[key] = _merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return both


def _last(pattern: str) -> str:
    """`aws_nat_gateway.gateway[0]` names the resource `gateway`; a module path in front is left out too."""
    name = pattern.rsplit(".", 1)[-1]
    return name.replace("[*]", "*")


@cache
def _matches(pattern: str, name: str) -> bool:
    wanted = _last(pattern)
    if name in (pattern, wanted):
        return True
    return "*" in wanted and fnmatchcase(name, wanted.replace("[", "[[]"))


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


@cache
def defaults() -> dict[str, dict[str, Amount]]:
    """Assumptions by resource type and usage key."""
    found: dict[str, dict[str, Amount]] = {}
    with DEFAULTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            amount = Amount(Decimal(row["low"]), Decimal(row["base"]), Decimal(row["high"]))
            found.setdefault(row["type"], {})[row["key"]] = amount
    return found


def read(path: Path, *, assume: bool = False) -> Usage:
    """Read a usage file. Raises UsageError."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"{path}: cannot be read ({reason}); give a usage file") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse(document, str(path), assume=assume)


def parse(document: Any, origin: str = "usage", *, assume: bool = False) -> Usage:
    """Take a usage document that is read already. Raises UsageError."""
    if document is None:
        return Usage(assume=assume, origin=origin)
    if not isinstance(document, Mapping):
        raise UsageError(f"{origin}: a mapping with resource_usage is expected")
    known = ("resource_usage", "resource_type_default_usage")
    problems = [
        f"{origin}: {key} is not read; the file holds {' and '.join(known)}"
        for key in document
        if key not in (*known, "version")
    ]
    sections = {key: document.get(key) or {} for key in known}
    for key, section in sections.items():
        if not isinstance(section, Mapping):
            problems.append(f"{origin}: {key} must be a mapping of names")
            continue
        problems += [
            f"{origin}: {key} {name} must be a mapping of usage keys"
            for name, entry in section.items()
            if entry is not None and not isinstance(entry, Mapping)
        ]
    if problems:
        raise UsageError(problems)
    named, typed = ({str(name): entry or {} for name, entry in sections[key].items()} for key in known)
    bare = {name: named.pop(name) for name in terraform_types().values() if name in named}
    return Usage(named, bare | typed, assume, origin)


def of_stack(stack: str) -> Usage:
    """Assumptions, and over them `stacks/usage.<stack>.yaml` where there is one."""
    path = FOLDER / f"usage.{stack}.yaml"
    return read(path, assume=True) if path.is_file() else Usage(assume=True)
