"""The gRPC side of the kubernetes provider: secrets that stay marked, components, the fields an update must leave
alone.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2

from sandbox.providers import wire
from sandbox.providers.kubernetes import checkpoint, objects
from sandbox.providers.kubernetes.backend import VERSION, Kubernetes
from sandbox.providers.protocol import Props, Servicer

_SECRET_KEYS = ("data", "stringData")


class KubernetesServicer(Servicer):
    """A provider that accepts secrets and so must mark them itself, everywhere it writes what it was given."""

    def __init__(self) -> None:
        self.kubernetes = Kubernetes()
        super().__init__(self.kubernetes)
        self.kubernetes.session.cancelled = self.cancelled
        self.kubernetes.session.tell = self.tell

    def _struct(self, data: Props, *sources: struct_pb2.Struct) -> struct_pb2.Struct:
        inside = [wire.struct({checkpoint.INPUTS: struct_pb2.Value(struct_value=source)}) for source in sources]
        return super()._struct(data, *sources, *inside, always_secret(data))

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = super().Check(request, context)
        always = always_secret(wire.props(response.inputs))
        response.inputs.CopyFrom(wire.mark_secrets(response.inputs, [always]))
        return response

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.kubernetes.call.ignored = list(request.ignoreChanges)
        return super().Update(request, context)

    def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802
        from sandbox.providers.kubernetes.components import construct

        def work() -> Any:
            return construct(self.kubernetes.session, VERSION, self.engine_address, request)

        return self.answer(context, f"Construct {request.name}", work)


def always_secret(data: Props) -> struct_pb2.Struct:
    """A struct that marks what is secret in `data` whoever wrote it: a Secret's contents, in outputs and inputs."""
    marker = wire.value({wire.SIGNATURE: wire.SECRET, "value": ""})
    found: Props = {}
    if objects.kind(data) == "Secret":
        found = dict.fromkeys(_SECRET_KEYS, marker)
    inputs = checkpoint.inputs_of(data)
    if objects.kind(inputs) == "Secret":
        found[checkpoint.INPUTS] = dict.fromkeys(_SECRET_KEYS, marker)
    return wire.struct(found)
