"""The stack file: all specs put together, and the only reader of Pulumi's configuration.

`from_pulumi` is for the program, `load_file` for everything else (checks, cost, planner) without Pulumi. Both report
all problems at once. What each section holds is described by its spec, next to the component that uses it; rules
between sections are in `stacks.rules`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError

from components.accelerator_pool import AcceleratorPoolSpec
from components.benchmark_job import BenchmarkSpec
from components.budget import BudgetSpec
from components.cluster import ClusterSpec
from components.image_registry import ImageRegistrySpec
from components.network import NetworkSpec
from components.object_store import ObjectStoreSpec
from components.parallel_file_system import FileSystemSpec
from components.site import Site, SiteSpec
from components.spec import AccountId, Name, Region, Spec
from components.system_pool import SystemPoolSpec
from stacks import rules
from stacks.problems import sentences
from terminal import InvalidInput

PROJECT = "ai-datacenter"
FOLDER = Path(__file__).resolve().parent
PROVIDER_KEYS = ("aws:region", "aws:allowedAccountIds")
"""Keys of the AWS provider that a stack file sets."""


class PolicyRuleSpec(Spec):
    """What a stack changes of one policy."""

    level: Literal["advisory", "mandatory", "remediate", "disabled"] | None = Field(
        None,
        description="mandatory stops a deployment, remediate puts right what can be put right, advisory only tells.",
    )
    parameters: dict[str, Any] = Field(
        default={}, description="Values in place of the policy's defaults; docs/policies.md lists them."
    )


class PolicyExemptionSpec(Spec):
    """A finding that is accepted for a while."""

    rule: str = Field(description="Id of the policy.")
    resource: str = Field(description="Pattern (*, ?) of logical names or URNs.")
    reason: str = Field(min_length=10, description="Why it may be so.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    expires: date = Field(description="Last day, such as 2027-01-31. Afterwards the finding counts again.")


class PoliciesSpec(Spec):
    """Settings of the policy pack; the tools around the program read them."""

    profile: Literal["production", "development", "sandbox"] = Field(
        description="Which findings stop a deployment: production the most, sandbox the fewest."
    )
    rules: dict[str, PolicyRuleSpec] = Field(default={}, description="Changes of single policies by id.")
    exemptions: tuple[PolicyExemptionSpec, ...] = Field(default=(), description="Findings that are accepted.")


class StackConfig(Spec):
    """One data center: what `stacks/Pulumi.<stack>.yaml` says under `config`."""

    region: Region = Field(alias="aws:region", description="Region of everything in the stack.")
    accounts: tuple[AccountId, ...] = Field(
        min_length=1,
        max_length=1,
        alias="aws:allowedAccountIds",
        description="The account of the stack, as a list of one; credentials of any other account are refused.",
    )
    site: SiteSpec = Field(description="Whose data center this is.")
    network: NetworkSpec = Field(description="The VPC.")
    cluster: ClusterSpec = Field(description="The Kubernetes control plane.")
    system_pools: dict[Name, SystemPoolSpec] = Field(
        min_length=1, description="CPU nodes by pool name. One pool must be open to the cluster's own services."
    )
    pools: dict[Name, AcceleratorPoolSpec] = Field(default={}, description="Accelerator nodes by pool name.")
    file_system: FileSystemSpec | None = Field(None, description="Parallel file system (FSx for Lustre).")
    object_store: ObjectStoreSpec | None = Field(None, description="Buckets for data, checkpoints and models.")
    image_registry: ImageRegistrySpec | None = Field(None, description="Private repositories for container images.")
    benchmark: dict[Name, BenchmarkSpec] = Field(
        default={}, description="Acceptance benchmarks by the pool they run on (of pools or system-pools)."
    )
    budget: BudgetSpec | None = Field(None, description="What the stack may cost.")
    discounts: dict[Name, Annotated[Decimal, Field(ge=0, le=100)]] = Field(
        default={},
        description="Per cent off list prices in the cost report, by scope: `contract` (all but spot and blocks), "
        "`savings-plan` (on-demand machines), a purchase model (`spot`), `pool-<name>`, or a service (`fsx`). The most "
        "specific one counts.",
    )
    policies: PoliciesSpec | None = Field(None, description="How strictly the policy pack judges the stack.")

    @property
    def control_plane_zones(self) -> tuple[str, ...]:
        return self.cluster.zones or self.network.zones[:2]

    def place(self) -> Site:
        """The identity with account and region."""
        return Site(self.site, self.accounts[0], self.region)


def parse(sections: Mapping[str, Any]) -> StackConfig:
    """Check the sections of a stack file. Raises InvalidInput with every problem that can be seen."""
    try:
        config = StackConfig.model_validate(sections, by_name=False)
    except ValidationError as error:
        found = sentences(error, StackConfig)
        raise InvalidInput([*found, *rules.broken(*_valid_sections(sections, error))]) from None
    if found := rules.broken({name: getattr(config, name) for name in StackConfig.model_fields}):
        raise InvalidInput(found)
    return config


def _valid_sections(sections: Mapping[str, Any], error: ValidationError) -> tuple[dict[str, Any], set[str]]:
    """What is fine in a file with errors: rules between these sections can be checked all the same.

    Returns the sections by field name, and the names of those that are here without some entries.
    """
    bad = {details["loc"][:depth] for details in error.errors() for depth in (1, 2)}
    valid: dict[str, Any] = {}
    partial: set[str] = set()
    for name, field in StackConfig.model_fields.items():
        key = field.alias or name
        value = sections.get(key, field.default)
        if get_origin(field.annotation) is dict and isinstance(value, Mapping):
            if (key,) in bad:
                partial.add(name)
            value = {entry: spec for entry, spec in value.items() if (key, entry) not in bad}
            kind: Any = dict[str, get_args(field.annotation)[1]]
        elif (key,) in bad:
            continue
        else:
            kind = field.annotation
        try:
            valid[name] = TypeAdapter(kind).validate_python(value, by_name=False)
        except ValidationError:
            continue
    return valid, partial


def load_file(path: Path) -> StackConfig:
    """Read a stack file without Pulumi. Raises InvalidInput."""
    import yaml  # only tools read files; the program gets its configuration from Pulumi

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path.name}: cannot be read ({error.strerror}).") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping) or not isinstance(document.get("config"), Mapping):
        raise InvalidInput(f"{path.name}: it has no `config`. Copy a stack file and change it.")
    return parse(named(document["config"]))


def load(stack: str) -> StackConfig:
    """Read the file of a stack by its name. Raises InvalidInput that names the stacks there are."""
    path = FOLDER / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = names()
        near = difflib.get_close_matches(stack, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InvalidInput(f"stack {stack}: there is no stacks/{path.name} (there are: {', '.join(known)}).{hint}")
    return load_file(path)


def names() -> list[str]:
    """Stacks that have a file, in alphabetical order."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in FOLDER.glob("Pulumi.*.yaml"))


def from_pulumi() -> StackConfig:
    """Read the configuration that Pulumi passes to the program. Raises `pulumi.RunError` with one problem a line."""
    import pulumi
    from pulumi.runtime import config as runtime

    texts = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    try:
        return parse(named({key: _decoded(text) for key, text in texts.items()}))
    except InvalidInput as error:
        raise pulumi.RunError("\n".join(error.problems)) from None


def _decoded(text: Any) -> Any:
    """Pulumi passes mappings and lists as JSON, everything else as text."""
    return json.loads(text) if isinstance(text, str) and text[:1] in ("{", "[") else text


def named(config: Mapping[str, Any]) -> dict[str, Any]:
    """Sections by name, from the full keys of a configuration. Raises InvalidInput for keys that nobody reads."""
    sections: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if key in PROVIDER_KEYS:
            sections[key] = value
        elif namespace == PROJECT:
            sections[name] = value
        elif namespace == "aws":
            problems.append(f"`{key}`: not read from the stack file. It reads {', '.join(PROVIDER_KEYS)}.")
        elif namespace != "pulumi":
            problems.append(f"`{key}`: unknown key. Sections are written {PROJECT}:<section>.")
    if problems:
        raise InvalidInput(problems)
    return sections
