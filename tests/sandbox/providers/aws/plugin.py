"""A provider plugin in this process behind real gRPC, and the engine's part of the conversation in a few lines."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers import wire
from sandbox.providers.aws.provider import Aws
from sandbox.providers.gcp.provider import Gcp
from sandbox.providers.protocol import Props, Servicer

SEED = bytes(range(32))


class Refused(Exception):
    """A call ended with a gRPC error."""

    def __init__(self, error: grpc.RpcError) -> None:
        self.code, self.details = error.code(), error.details() or ""
        super().__init__(f"{self.code.name}: {self.details}")
        self.half_made: Any = None
        trailer: Any = error.trailing_metadata() or ()
        details = dict(trailer).get("grpc-status-details-bin")
        if details:
            self.half_made = provider_pb2.ErrorResourceInitFailed()
            status_pb2.Status.FromString(details).details[0].Unpack(self.half_made)


class Plugin:
    """Calls of one provider, AWS's when no other is given. `resource(type, name)` manages a resource as the engine
    would.
    """

    def __init__(self, backend: Gcp | None = None) -> None:
        self.lines: list[str] = []
        self.backend: Any
        if backend is None:
            self.backend = aws = Aws()
            servicer = Servicer(aws)
            aws.connect(servicer.cancelled, lambda _, line: self.lines.append(line))
        else:
            self.backend = backend
            servicer = Servicer(backend)
            backend.connect(servicer.cancelled)
        self.server = grpc.server(ThreadPoolExecutor(8))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def stop(self) -> None:
        self.channel.close()
        self.server.stop(0).wait()

    def call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            raise Refused(error) from None

    def configure(self, settings: Props) -> Any:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
        return self.call("Configure", provider_pb2.ConfigureRequest(args=wire.struct(texts)))

    def invoke(self, token: str, **args: Any) -> Props:
        answer = self.call("Invoke", provider_pb2.InvokeRequest(tok=token, args=wire.struct(args)))
        return wire.props(getattr(answer, "return"))

    def resource(self, kind: str, name: str = "thing") -> Managed:
        return Managed(self, kind, name)


@dataclass
class Managed:
    """One resource in the "state file" of a test."""

    plugin: Plugin
    type: str
    name: str
    id: str = ""
    inputs: Props = field(default_factory=dict)
    state: Props = field(default_factory=dict)

    @property
    def urn(self) -> str:
        return f"urn:pulumi:test::project::{self.type}::{self.name}"

    def _common(self) -> dict[str, Any]:
        return {"urn": self.urn, "type": self.type, "name": self.name}

    def check(self, news: Props, seed: bytes = SEED, **more: Any) -> tuple[Props, dict[str, str]]:
        """(checked inputs, problems by property)."""
        request = provider_pb2.CheckRequest(
            **self._common(), olds=wire.struct(self.inputs), news=wire.struct(news), randomSeed=seed, **more
        )
        answer = self.plugin.call("Check", request)
        return wire.props(answer.inputs), {one.property: one.reason for one in answer.failures}

    def checked(self, news: Props, seed: bytes = SEED) -> Props:
        inputs, problems = self.check(news, seed)
        assert not problems, problems
        return inputs

    def preview(self, news: Props) -> Props:
        request = provider_pb2.CreateRequest(**self._common(), properties=wire.struct(self.checked(news)), preview=True)
        answer = self.plugin.call("Create", request)
        assert answer.id == ""
        return wire.props(answer.properties)

    def create(self, news: Props) -> Managed:
        self.inputs = self.checked(news)
        request = provider_pb2.CreateRequest(**self._common(), properties=wire.struct(self.inputs))
        try:
            answer = self.plugin.call("Create", request)
        except Refused as error:
            if error.half_made:
                self.id = error.half_made.id
                self.state, self.inputs = wire.props(error.half_made.properties), wire.props(error.half_made.inputs)
            else:
                self.inputs = {}
            raise
        self.id, self.state = answer.id, wire.props(answer.properties)
        assert self.id
        assert not wire.unknown(self.state), self.state
        return self

    def diff(self, news: Props) -> Any:
        """The answer of Diff for unchecked inputs."""
        request = provider_pb2.DiffRequest(
            **self._common(),
            id=self.id,
            olds=wire.struct(self.state),
            old_inputs=wire.struct(self.inputs),
            news=wire.struct(self.checked(news)),
        )
        return self.plugin.call("Diff", request)

    def changes(self, news: Props) -> set[str]:
        """The changed paths."""
        answer = self.diff(news)
        assert bool(answer.detailedDiff) == (answer.changes == provider_pb2.DiffResponse.DIFF_SOME)
        return set(answer.detailedDiff)

    def update(self, news: Props, preview: bool = False) -> Props:
        checked = self.checked(news)
        request = provider_pb2.UpdateRequest(
            **self._common(),
            id=self.id,
            olds=wire.struct(self.state),
            old_inputs=wire.struct(self.inputs),
            news=wire.struct(checked),
            preview=preview,
        )
        state = wire.props(self.plugin.call("Update", request).properties)
        if not preview:
            self.inputs, self.state = checked, state
            assert not wire.unknown(state), state
        return state

    def read(self) -> tuple[Props, Props] | None:
        """(outputs, inputs) as they are now, or None when it is gone."""
        request = provider_pb2.ReadRequest(
            **self._common(), id=self.id, properties=wire.struct(self.state), inputs=wire.struct(self.inputs)
        )
        answer = self.plugin.call("Read", request)
        return (wire.props(answer.properties), wire.props(answer.inputs)) if answer.id else None

    def refresh(self) -> bool:
        """Take over what Read says; whether anything differed."""
        found = self.read()
        assert found is not None, "gone"
        differs = (self.state, self.inputs) != found
        self.state, self.inputs = found
        return differs

    def imported(self, resource_id: str) -> Managed:
        """The resource as import by id alone finds it."""
        other = Managed(self.plugin, self.type, self.name)
        answer = self.plugin.call("Read", provider_pb2.ReadRequest(**self._common(), id=resource_id))
        other.id, other.state, other.inputs = answer.id, wire.props(answer.properties), wire.props(answer.inputs)
        return other

    def delete(self) -> None:
        request = provider_pb2.DeleteRequest(**self._common(), id=self.id, properties=wire.struct(self.state))
        self.plugin.call("Delete", request)
