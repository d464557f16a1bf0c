"""The base of every spec, and the field types they share.

A spec is a frozen pydantic model that is at once a section of the stack file, the main argument of a component, its
reference page and its JSON schema. It holds what decides how many and which resources exist; ids and ARNs of other
resources are wiring and never part of it. Shapes of single components live beside these.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network, ip_network
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


class Problem(NamedTuple):
    """A broken rule between fields: the path of the field to change, and a sentence naming value, allowed and fix."""

    path: tuple[str | int, ...]
    sentence: str


class Spec(BaseModel):
    """Frozen, refuses unknown keys and lists that repeat themselves, spells its keys in kebab-case outside Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        validate_by_name=True,
        validate_by_alias=True,
    )

    def problems(self) -> Iterator[Problem]:
        """Rules between fields of this spec. All of them are reported at once; override where there are any."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_no_switches(cls, given: Any) -> Any:
        """YAML's `true` is 1 to Python and to pydantic; to the author of a stack file it is a mistake. As a text it is
        refused where a number belongs, with its place."""
        if not isinstance(given, Mapping):
            return given
        numbers = {
            key
            for name, field in cls.model_fields.items()
            if NUMBERS & kinds(field.annotation) and bool not in kinds(field.annotation)
            for key in (name, field.alias)
        }
        return {
            key: shown(value) if key in numbers and isinstance(value, bool) else value for key, value in given.items()
        }

    @model_validator(mode="after")
    def _check_rules(self) -> Spec:
        broken = list(self.problems())
        told = {problem.path for problem in broken}
        broken += [problem for problem in self._repeats() if problem.path not in told]
        found = [
            InitErrorDetails(type=custom_error(problem.sentence), loc=problem.path, input=None) for problem in broken
        ]
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self

    def _repeats(self) -> Iterator[Problem]:
        """Every list of a stack file is a set: most entries name resources, which cannot be made twice."""
        for name, field in type(self).model_fields.items():
            values = getattr(self, name)
            for index, value in enumerate(values if isinstance(values, tuple) else ()):
                if value in values[:index]:
                    what = shown(value) if not isinstance(value, BaseModel) else "the same"
                    yield Problem((field.alias or name, index), f"{what} is listed twice. Remove one.")


def kinds(annotation: Any) -> set[Any]:
    """The types that an annotation allows, without `Annotated`, unions taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kinds(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return set().union(*map(kinds, get_args(annotation)))
    return {annotation if origin is None else origin}


NUMBERS = {int, float, Decimal}


def custom_error(sentence: str) -> PydanticCustomError:
    """A validation error whose message is exactly this sentence (braces in it are text, not placeholders)."""
    return PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


@dataclass(frozen=True)
class Text:
    """Annotation of a string field: `pattern` must match as a whole; `what` completes "<value> is not ..."."""

    pattern: str
    what: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        compiled = re.compile(self.pattern)

        def check(value: object) -> str:
            if isinstance(value, str) and compiled.fullmatch(value):
                return value
            raise custom_error(f"{shown(value)} is not {self.what}.")

        return core_schema.no_info_before_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


def shown(value: object) -> str:
    """A value as the stack file spells it; quoted where YAML would have read something else than text."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) and (not value or value != value.strip()) else str(value)


def _network(value: object) -> IPv4Network:
    if isinstance(value, IPv4Network):
        return value
    try:
        network = ip_network(str(value), strict=False)
    except ValueError:
        raise custom_error(f"{shown(value)} is not an address range such as 10.20.0.0/16.") from None
    if not isinstance(network, IPv4Network):
        raise custom_error(f"{value} is an IPv6 range; give an IPv4 range such as 10.20.0.0/16.")
    if "/" not in str(value) or str(network) != str(value):
        raise custom_error(f"{value} does not start a range; write {network}.")
    return network


Cidr = Annotated[
    IPv4Network,
    BeforeValidator(_network, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\.\d+\.\d+\.\d+/\d+$"}),
]
"""An IPv4 address range in its canonical spelling."""

Name = Annotated[
    str, Text(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", "a name of lower-case letters, digits and dashes (at most 32)")
]
"""Becomes part of resource names, tag values and Kubernetes labels, so it must be legal in all three."""

Zone = Annotated[str, Text(r"[a-z]{2}(-[a-z]+)+-\d[a-g]", "an availability zone such as us-east-1a")]
Region = Annotated[str, Text(r"[a-z]{2}(-[a-z]+)+-\d", "a region such as us-east-1")]
AccountId = Annotated[str, Text(r"\d{12}", "an AWS account id: twelve digits, in quotes")]
PrincipalArn = Annotated[
    str,
    Text(
        r"arn:aws[a-z-]*:iam::\d{12}:(user|role)/[\w+=,.@/-]+",
        "the ARN of an IAM user or role such as arn:aws:iam::123456789012:role/platform",
    ),
]
KubernetesVersion = Annotated[str, Text(r"1\.\d\d", 'a Kubernetes version in quotes such as "1.33"')]
InstanceType = Annotated[str, Text(r"[a-z0-9-]+\.[a-z0-9-]+", "an instance type such as p5en.48xlarge")]
ReservationId = Annotated[
    str, Text(r"cr-[0-9a-f]{8,17}", "the id of a capacity reservation such as cr-0123456789abcdef0")
]
Image = Annotated[
    str,
    Text(r"[a-z0-9][a-z0-9._/:-]*[:@][\w.:-]+", "an image with a tag or digest such as public.ecr.aws/team/image:1.2"),
]

GiB = Annotated[int, Field(gt=0)]
"""A size in binary gigabytes (2^30 bytes)."""

Retention = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days; the values that CloudWatch Logs accepts (botocore 1.44.5, logs PutRetentionPolicy)."""
