"""The engine's side of the conversation with a program, reduced to recording: a resource monitor and a log."""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from plan.invented import ASKED, NESTED
from plan.invented import outputs as invented_outputs
from plan.model import PlanError, Resource
from plan.values import ANY_UNKNOWN, from_struct

UNSUPPORTED = frozenset(
    {"outputValues", "transforms", "invokeTransforms", "parameterization", "resourceHooks", "errorHooks"}
)
"""Features the SDK must not use here: refused by it with a message, instead of being silently ignored."""


class Monitor:
    """Records registrations. The SDK calls these methods as it would call the engine's gRPC stub."""

    def __init__(self, project: str, stack: str, mode: str) -> None:
        self.project, self.stack, self.preview = project, stack, mode == "preview"
        self.resources: dict[str, Resource] = {}
        self.exports: dict[str, Any] = {}

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id not in UNSUPPORTED)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self._urn(request.parent, request.type, request.name)
        if urn in self.resources:
            raise PlanError(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        if request.parent and request.parent not in self.resources:
            raise PlanError(f"{urn}: its parent {request.parent} does not exist")
        inputs = from_struct(request.object)
        self.resources[urn] = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            provider=request.provider.rsplit("::", 1)[0] or None,
            inputs=inputs,
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(value.urns)) for key, value in request.propertyDependencies.items() if value.urns
            },
            custom=request.custom,
            protect=request.protect,
        )
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        if self.preview:
            return resource_pb2.RegisterResourceResponse(urn=urn, id="", object=_with_unknowns(request))
        identity, extra = invented_outputs(request.type, request.name, inputs)
        known = struct_pb2.Struct()
        known.update(extra)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=identity, object=_over(request.object, known))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if self.resources[request.urn].type == "pulumi:pulumi:Stack":
            self.exports = from_struct(request.outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        raise PlanError(
            f"{request.type} {request.name}: reading what exists needs an account; pass its id in the stack file"
        )

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        if known := ASKED.get(request.tok):
            answer = provider_pb2.InvokeResponse()
            getattr(answer, "return").update(known)
            return answer
        raise PlanError(f"{request.tok}: look-ups need an account; put the value into the stack file")

    Call = Invoke

    def RegisterPackage(self, request: Any) -> Any:  # noqa: N802
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def SignalAndWaitForShutdown(self, request: Any) -> Any:  # noqa: ARG002, N802
        return empty_pb2.Empty()

    def _urn(self, parent: str, kind: str, name: str) -> str:
        """As the engine makes them: the types of the ancestors but the stack, joined by `$`."""
        if parent and (qualified := parent.split("::")[2]) != "pulumi:pulumi:Stack":
            kind = f"{qualified}${kind}"
        return f"urn:pulumi:{self.stack}::{self.project}::{kind}::{name}"


def _with_unknowns(request: Any) -> Any:
    """The inputs as a provider's preview gives them back."""
    answer = request.object
    for outer, inner in NESTED.get(request.type, ()):
        fields = answer.fields[outer].struct_value.fields
        if inner not in fields:
            fields[inner].string_value = ANY_UNKNOWN
    return answer


def _over(given: struct_pb2.Struct, known: struct_pb2.Struct) -> struct_pb2.Struct:
    """What was given over what is known besides, object by object, also in lists."""
    for key, value in known.fields.items():
        if key not in given.fields:
            given.fields[key].CopyFrom(value)
            continue
        here = given.fields[key]
        if value.HasField("struct_value") and here.HasField("struct_value"):
            _over(here.struct_value, value.struct_value)
        elif value.HasField("list_value") and here.HasField("list_value"):
            for one, other in zip(here.list_value.values, value.list_value.values, strict=False):
                if one.HasField("struct_value") and other.HasField("struct_value"):
                    _over(one.struct_value, other.struct_value)
    return given


class Engine:
    """Collects what the program logs; errors become the user's message."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.root = ""

    def Log(self, request: Any) -> Any:  # noqa: N802
        if request.severity == engine_pb2.ERROR:
            self.errors.append(" ".join(request.message.split()))
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any) -> Any:  # noqa: ARG002, N802
        return engine_pb2.GetRootResourceResponse(urn=self.root)

    def SetRootResource(self, request: Any) -> Any:  # noqa: N802
        self.root = request.urn
        return engine_pb2.SetRootResourceResponse()
