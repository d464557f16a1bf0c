"""Sections of a stack file that mean the same on every cloud."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from components.benchmark_job import BenchmarkSpec
from components.budget_spec import BudgetSpec
from components.evaluation_job import EvaluationSpec
from components.preprocess_job import PreprocessSpec
from components.search_job import SearchSpec
from components.site import SiteSpec
from components.spec import Name, Spec
from components.training_job import TrainingSpec


class PolicyRuleSpec(Spec):
    """What a stack changes of one policy."""

    level: Literal["advisory", "mandatory", "remediate", "disabled"] | None = Field(
        None,
        description="mandatory stops a deployment, remediate puts right what can be put right, advisory only tells.",
    )
    parameters: dict[str, Any] = Field(
        default={}, description="Values in place of the policy's defaults; docs/policies.md lists them."
    )


def _day(value: object) -> object:
    """Pulumi reads an unquoted day of YAML as a time and passes the text of Go's `time.String()`."""
    return value.removesuffix(" 00:00:00 +0000 UTC") if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]


class PolicyExemptionSpec(Spec):
    """A finding that is accepted for a while."""

    rule: str = Field(description="Id of the policy.")
    resource: str = Field(description="Pattern (*, ?) of logical names or URNs.")
    reason: str = Field(min_length=10, description="Why it may be so.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    expires: Day = Field(description="Last day, such as 2027-01-31. Afterwards the finding counts again.")


class PoliciesSpec(Spec):
    """Settings of the policy pack; the tools around the program read them."""

    profile: Literal["production", "development", "sandbox"] = Field(
        description="Which findings stop a deployment: production the most, sandbox the fewest."
    )
    rules: dict[str, PolicyRuleSpec] = Field(default={}, description="Changes of single policies by id.")
    exemptions: tuple[PolicyExemptionSpec, ...] = Field(default=(), description="Findings that are accepted.")


class CommonConfig(Spec):
    """What every stack file may say, whatever its cloud."""

    site: SiteSpec = Field(description="Whose data center this is.")
    benchmark: dict[Name, BenchmarkSpec] = Field(
        default={}, description="Acceptance benchmarks by the pool they run on (of pools or system-pools)."
    )
    training: dict[Name, TrainingSpec] = Field(default={}, description="Training runs by name.")
    preprocess: dict[Name, PreprocessSpec] = Field(default={}, description="Preparations of training data by name.")
    search: dict[Name, SearchSpec] = Field(default={}, description="Searches for good settings by name.")
    evaluation: dict[Name, EvaluationSpec] = Field(default={}, description="Evaluations of training runs by name.")
    budget: BudgetSpec | None = Field(None, description="What the stack may cost.")
    discounts: dict[Name, Annotated[Decimal, Field(ge=0, le=100)]] = Field(
        default={},
        description="Per cent off list prices in the cost report, by scope: `contract` (all but spot and blocks), "
        "`savings-plan` (on-demand machines), a purchase model (`spot`), `pool-<name>`, or a service (`fsx`). The most "
        "specific one counts.",
    )
    policies: PoliciesSpec | None = Field(None, description="How strictly the policy pack judges the stack.")
