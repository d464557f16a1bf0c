"""Promises about types: what is free says so, what is billed by use is named, what is unknown is a gap."""

from __future__ import annotations

import pytest

import cost
from cost import registry
from cost.rates.by_use import USES
from tests.cost.plans import plan, resource


def test_no_type_is_both_free_and_priced() -> None:
    assert not [token for token in registry.types() if registry.is_free(token)]


@pytest.mark.parametrize(
    "token",
    ["gcp:pubsub/topicIAMMember:TopicIAMMember", "gcp:alloydb/thingIamPolicy:ThingIamPolicy", "aws:iam/role:Role",
     "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "gcp:tags/tagKey:TagKey"],
)  # fmt: skip
def test_grants_and_settings_are_free(token: str) -> None:
    found = cost.estimate(plan(resource(token, "it")))
    assert (found.free, found.lines, found.unpriced) == (1, (), ())


def test_a_grant_is_free_by_its_name_at_google_only() -> None:
    assert not registry.is_free("aws:made/upIamMember:UpIamMember")
    assert not registry.is_free("gcp:compute/iamCustomThing:IamCustomThing")


@pytest.mark.parametrize("token", [*USES])
def test_what_is_billed_by_use_alone_is_named_and_not_called_free(token: str) -> None:
    found = cost.estimate(plan(resource(token, "it")))
    assert [(gap.kind, gap.item) for gap in found.unpriced] == [("usage", "Use")]
    assert found.free == 0


def test_an_unknown_type_is_named_and_never_free() -> None:
    found = cost.estimate(plan(resource("aws:made/up:Thing", "it")))
    assert [(gap.kind, gap.reason) for gap in found.unknown] == [("type", "no rate for the type aws:made/up:Thing")]
    assert found.free == 0
