"""The pack as an analyzer plugin: Pulumi's policy protocol over the rules.

Written on the generated stubs and not on the pulumi-policy SDK, which decodes a resource once for every rule (125 ms
for one launch template with 32 interfaces and 100 rules). Here a resource is decoded once, only the rules of its type
run, and every finding carries the id, level and severity of its own rule.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as pb
from pulumi.runtime.proto import analyzer_pb2_grpc, plugin_pb2

from . import ALL, parameters
from .evaluate import IN_FORCE, Doubt, Finding, Outcome, Pack
from .exemptions import Exemption, exemption, mistakes
from .model import Level, Resource, Rule
from .remediate import apply
from .wire import properties, redacted, secrets

NAME = "ai-datacenter"
VERSION = "0.1.0"
LEVELS: dict[str, int] = {
    "advisory": pb.ADVISORY,
    "mandatory": pb.MANDATORY,
    "remediate": pb.REMEDIATE,
    "disabled": pb.DISABLED,
}
SEVERITIES: dict[str, int] = {
    name: getattr(pb, f"POLICY_SEVERITY_{name.upper()}") for name in ("low", "medium", "high", "critical")
}
EVERY = "all"
"""Pulumi's name for the policies that a configuration does not name."""
MESSAGE_LIMIT = 400 << 20
"""Bytes; what the engine itself allows."""


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine. Stateless between calls but for the configuration, so calls may come in parallel."""

    def __init__(self, rules: Iterable[Rule] = ALL) -> None:
        self.rules = tuple(rules)
        self.pack = Pack(self.rules)

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return pb.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        policies = [_info(rule) for rule in (*self.rules, IN_FORCE)]
        return pb.AnalyzerInfo(name=NAME, version=VERSION, supportsConfig=True, policies=policies)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        names = {number: name for name, number in LEVELS.items()}
        levels: dict[str, Level] = {}
        given: dict[str, dict[str, Any]] = {}
        exemptions: list[Exemption] = []
        problems: list[str] = []
        for name, config in request.policyConfig.items():
            level: Level = names.get(config.enforcementLevel, "mandatory")  # type: ignore[assignment]
            if name == EVERY:
                levels = {**dict.fromkeys((rule.id for rule in (*self.rules, IN_FORCE)), level), **levels}
                continue
            given[name] = json_format.MessageToDict(config.properties)
            listed = given[name].pop("exemptions", [])
            problems += [f"{name}: {said}" for said in self._mistakes(name, given[name], listed)]
            levels[name] = level
            if not problems:
                exemptions += map(exemption, listed)
        if problems:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(problems))
        self.pack = Pack(self.rules, levels, given, exemptions)
        return empty_pb2.Empty()

    def _mistakes(self, name: str, given: dict[str, Any], listed: Any) -> Iterator[str]:
        """What is wrong with the configuration of one policy."""
        rule = next((rule for rule in (*self.rules, IN_FORCE) if rule.id == name), None)
        if rule is None:
            yield "there is no such rule"
            return
        yield from parameters.mistakes(rule, given)
        if not isinstance(listed, list):
            yield "exemptions: give a list"
            return
        for index, entry in enumerate(listed):
            yield from (f"exemptions[{index}]{said}" for said in mistakes(entry))

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return pb.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        if not self.pack.concerning(request.type):
            return pb.AnalyzeResponse()
        return _response(self.pack.resource(_resource(request)), [request])

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return _response(self.pack.stack(_linked(request.resources)), request.resources)

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        response = pb.RemediateResponse()
        if not self.pack.remedies:
            return response
        changed = request.properties
        for rule, changes in self.pack.changes(_resource(request)):
            changed = apply(changed, changes)
            response.remediations.add(
                policyName=rule.id,
                policyPackName=NAME,
                policyPackVersion=VERSION,
                description=rule.why,
                properties=changed,
            )
        return response

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()


def _resource(request: Any) -> Resource:
    return Resource(
        type=request.type,
        name=request.name,
        urn=request.urn,
        inputs=properties(request.properties),
        provider=_provider(request),
        protect=request.options.protect,
    )


def _info(rule: Rule) -> Any:
    kind = pb.POLICY_TYPE_RESOURCE if rule.check_resource else pb.POLICY_TYPE_STACK
    properties = {name: parameters.schema(rule, name) for name in rule.parameters}
    schema = struct_pb2.Struct()
    schema.update({**properties, "exemptions": {"type": "array", "items": {"type": "object"}}})
    return pb.PolicyInfo(
        name=rule.id,
        displayName=rule.title,
        description=rule.why,
        enforcementLevel=LEVELS[rule.level],  # type: ignore[arg-type]
        severity=SEVERITIES[rule.severity],  # type: ignore[arg-type]
        policy_type=kind,
        remediation_steps=rule.fix,
        tags=list(rule.references),
        configSchema=pb.PolicyConfigSchema(properties=schema),
    )


def _provider(request: Any) -> Resource | None:
    if not request.HasField("provider"):
        return None
    provider = request.provider
    inputs = {key: _unpacked(value) for key, value in properties(provider.properties).items()}
    return Resource(provider.type, provider.name, provider.urn, inputs)


def _unpacked(value: Any) -> Any:
    """Objects of provider configuration travel as JSON text."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _linked(messages: Iterable[Any]) -> list[Resource]:
    resources: dict[str, Resource] = {}
    received = list(messages)
    for message in received:
        resources[message.urn] = _resource(message)
        resources[message.urn].parent = message.parent or None
    for message in received:
        resource = resources[message.urn]
        resource.dependencies = [resources[urn] for urn in message.dependencies if urn in resources]
        resource.refers = {
            key: [resources[urn] for urn in value.urns if urn in resources]
            for key, value in message.propertyDependencies.items()
        }
    return list(resources.values())


def _response(outcome: Outcome, messages: Iterable[Any]) -> Any:
    hidden = {text for message in messages for text in secrets(message.properties)} if outcome.findings else set()
    response = pb.AnalyzeResponse(diagnostics=[_diagnostic(finding, hidden) for finding in outcome.findings])
    response.diagnostics.extend(map(_cannot_tell, outcome.doubts))
    return response


def _diagnostic(finding: Finding, hidden: set[str]) -> Any:
    return pb.AnalyzeDiagnostic(
        policyName=finding.rule.id,
        policyPackName=NAME,
        policyPackVersion=VERSION,
        description=finding.rule.why,
        message=f"{redacted(finding.message, hidden)} Fix: {finding.rule.fix}",
        enforcementLevel=LEVELS[finding.level],  # type: ignore[arg-type]
        severity=SEVERITIES[finding.rule.severity],  # type: ignore[arg-type]
        urn=finding.resource.urn,
    )


def _cannot_tell(doubt: Doubt) -> Any:
    return pb.AnalyzeDiagnostic(
        policyName=doubt.rule.id,
        policyPackName=NAME,
        policyPackVersion=VERSION,
        description=doubt.rule.why,
        message=f"cannot tell: {doubt.reason}",
        enforcementLevel=pb.ADVISORY,
        severity=SEVERITIES["low"],  # type: ignore[arg-type]
        urn=doubt.resource.urn,
    )


def serve() -> None:
    """Serve until the engine says stop or goes away. The first line on stdout is the port."""
    options = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.server(ThreadPoolExecutor(16), options=options)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stopped, parent = threading.Event(), os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    print(port, flush=True)
    while not stopped.wait(1):
        if os.getppid() != parent:  # the engine was killed: do not stay behind
            break
    server.stop(0)


__all__ = ["Analyzer", "serve"]
