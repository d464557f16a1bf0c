"""The engine's service, the run on the plan, on a preview document and on a state say the same of every stack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2 as pb

import cost
import plan
from plan import config as stack_config
from plan import document, offline
from plan.values import ANY_UNKNOWN
from policies import check
from policies.rules.evaluate import Finding
from tests.policies.test_server import pack, struct  # noqa: F401 - pack is a fixture

STACKS = stack_config.stack_names(offline.ROOT)
Said = set[tuple[str, str, str]]


def encoded(value: Any) -> Any:
    """As documents and messages carry it."""
    if isinstance(value, dict):
        return {key: encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(item) for item in value]
    return ANY_UNKNOWN if isinstance(value, plan.Unknown) else value


def states(wanted: plan.Plan) -> list[dict[str, Any]]:
    return [
        {
            "urn": resource.urn,
            "type": resource.type,
            "custom": resource.custom,
            "inputs": encoded(dict(resource.inputs)),
            "provider": f"{resource.provider}::id" if resource.provider else "",
            "parent": resource.parent,
            "protect": resource.protect,
            "dependencies": list(resource.dependencies),
            "propertyDependencies": {key: list(urns) for key, urns in resource.property_dependencies.items()},
        }
        for resource in wanted
    ]


def said(findings: Iterable[Finding]) -> Said:
    return {(entry.rule.id, entry.resource.urn, entry.message) for entry in findings}


def run(wanted: plan.Plan, read: plan.Plan, estimate: cost.Estimate) -> Said:
    return said(check.run(read, estimate, wanted.config).findings)


def by_service(service: Any, wanted: plan.Plan, estimate: cost.Estimate) -> Said:
    """What the engine's calls bring, with the configuration that `make preview` gives to the engine."""
    configured = {}
    numbers = {"advisory": pb.ADVISORY, "mandatory": pb.MANDATORY, "disabled": pb.DISABLED, "remediate": pb.REMEDIATE}
    for rule, values in check.engine_configuration(wanted.config, estimate).items():
        level = numbers[values["enforcementLevel"]]
        rest = {key: encoded(value) for key, value in values.items() if key != "enforcementLevel"}
        configured[rule] = pb.PolicyConfig(enforcementLevel=level, properties=struct(rest))
    service.Configure(pb.ConfigureAnalyzerRequest(policyConfig=configured))
    by_urn = {resource.urn: resource for resource in wanted}
    resources = [message(entry, by_urn) for entry in wanted if entry.custom]
    answers = [service.AnalyzeStack(pb.AnalyzeStackRequest(resources=resources))]
    for entry in resources:
        fields = {name: getattr(entry, name) for name in ("type", "urn", "name", "properties", "options", "provider")}
        if not entry.HasField("provider"):
            del fields["provider"]
        answers.append(service.Analyze(pb.AnalyzeRequest(**fields)))
    return {
        (found.policyName, found.urn, found.message.partition(" Fix: ")[0])
        for answer in answers
        for found in answer.diagnostics
        if not found.message.startswith("cannot tell")
    }


def message(resource: plan.Resource, by_urn: dict[str, plan.Resource]) -> Any:
    related = {
        key: pb.AnalyzerPropertyDependencies(urns=list(urns)) for key, urns in resource.property_dependencies.items()
    }
    found = pb.AnalyzerResource(
        type=resource.type,
        urn=resource.urn,
        name=resource.name,
        properties=struct(encoded(dict(resource.inputs))),
        dependencies=list(resource.dependencies),
        propertyDependencies=related,
        parent=resource.parent or "",
        options=pb.AnalyzerResourceOptions(protect=resource.protect),
    )
    provider = by_urn.get(resource.provider or "")
    if provider is not None:
        properties = struct(encoded(dict(provider.inputs)))
        found.provider.CopyFrom(
            pb.AnalyzerProviderResource(type=provider.type, urn=provider.urn, name=provider.name, properties=properties)
        )
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_every_way_to_run_the_pack_says_the_same(pack: Any, stack: str) -> None:  # noqa: F811
    wanted = offline.run(stack)
    estimate = cost.estimate(wanted)
    expected = said(check.run(wanted, estimate).findings)
    steps = [{"op": "create", "urn": entry["urn"], "newState": entry} for entry in states(wanted)]
    assert run(wanted, document.load({"steps": steps}), estimate) == expected
    exported = {"version": 3, "deployment": {"resources": states(wanted)}}
    assert run(wanted, document.load(exported), estimate) == expected
    try:
        assert by_service(pack, wanted, estimate) == expected
    finally:
        pack.Configure(pb.ConfigureAnalyzerRequest())
