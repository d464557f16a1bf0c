"""What every section of a stack file can rely on."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from components.spec import AccountId, Cidr, Image, InstanceType, KubernetesVersion, Name, Problem, Spec, Zone


class Example(Spec):
    """Two fields and two rules between them."""

    first_part: int = Field(description="One.")
    second: int = Field(description="Two.")

    def problems(self) -> Iterator[Problem]:
        if self.first_part > self.second:
            yield Problem(("first-part",), f"{self.first_part} is more than second ({self.second}).")
        if self.second % 2:
            yield Problem(("second",), f"{self.second} is odd.")


def test_all_rules_of_a_section_are_reported_at_once_and_at_their_keys() -> None:
    with pytest.raises(ValidationError) as refused:
        Example.model_validate({"first-part": 4, "second": 3})
    errors = refused.value.errors()
    assert [(error["loc"], error["msg"]) for error in errors] == [
        (("first-part",), "4 is more than second (3)."),
        (("second",), "3 is odd."),
    ]


def test_a_spec_cannot_be_changed_after_it_was_checked() -> None:
    spec = Example.model_validate({"first-part": 1, "second": 2})
    with pytest.raises(ValidationError):
        spec.second = 3


def test_a_sentence_may_hold_braces() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Name).validate_python("a{b}")
    assert refused.value.errors()[0]["msg"].startswith("a{b} is not a name")


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Zone, "us-east-1a"),
        (Zone, "ap-southeast-3c"),
        (Zone, "us-gov-west-1b"),
        (Name, "h"),
        (Name, "a-team"),
        (AccountId, "012345678901"),
        (KubernetesVersion, "1.35"),
        (InstanceType, "p6-b300.48xlarge"),
        (InstanceType, "u7i-12tb.224xlarge"),
        (Image, "nvcr.io/nvidia/jax:26.06-py3"),
        (Image, "public.ecr.aws/x/y@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ],
)
def test_what_exists_is_accepted(kind: Any, good: str) -> None:
    assert TypeAdapter(kind).validate_python(good) == good


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (Zone, "us-east-1"),
        (Zone, "us-east-1h"),
        (Name, "A-Team"),
        (Name, "team-"),
        (Name, "t" * 33),
        (Name, ""),
        (AccountId, 123456789012),
        (AccountId, "12345"),
        (KubernetesVersion, 1.35),
        (KubernetesVersion, "1.3"),
        (Image, "jax"),
        (Image, "jax:latest extra"),
        (Cidr, "10.0.0.0"),
        (Cidr, "10.0.0.1/16"),
        (Cidr, "fd00::/8"),
        (Cidr, "10.0.0.0/33"),
        (Cidr, "anything"),
    ],
)
def test_what_does_not_is_refused_in_a_sentence_that_shows_it(kind: Any, bad: object) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(bad)
    (error,) = refused.value.errors()
    assert error["type"] == "rule"
    assert str(bad) in error["msg"]
    assert error["msg"].endswith(".")


def test_a_range_is_a_network() -> None:
    assert TypeAdapter(Cidr).validate_python("10.20.0.0/16") == IPv4Network("10.20.0.0/16")
