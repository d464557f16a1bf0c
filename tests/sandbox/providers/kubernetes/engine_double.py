"""Speaks to the kubernetes provider over gRPC as the engine does, for one resource at a time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers import wire
from sandbox.providers.kubernetes.servicer import KubernetesServicer
from sandbox.providers.protocol import Target
from tests.sandbox import emulated

Data = dict[str, Any]
EMPTY = struct_pb2.Struct()


class Refused(Exception):
    """The provider refused; the text is what the user reads."""


class Unfinished(Exception):
    """The provider made something that is not ready."""

    def __init__(self, resource: Resource, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.resource, self.reasons = resource, reasons


@dataclass
class Resource:
    """A resource in the state: type, URN, id, inputs and outputs in wire form."""

    type: str
    urn: str
    inputs: struct_pb2.Struct
    id: str = ""
    state: struct_pb2.Struct = field(default_factory=struct_pb2.Struct)

    @property
    def outputs(self) -> Data:
        return wire.props(self.state)

    @property
    def given(self) -> Data:
        return wire.props(self.inputs)


def secret(value: Any) -> struct_pb2.Value:
    """A secret value as the SDK sends it."""
    return wire.value({wire.SIGNATURE: wire.SECRET, "value": value})


@dataclass
class EngineDouble:
    """One configured provider process, and the operations of an update."""

    stub: provider_pb2_grpc.ResourceProviderStub
    servicer: KubernetesServicer
    told: list[str]

    def check(self, type_: str, name: str, inputs: Data, olds: struct_pb2.Struct = EMPTY) -> struct_pb2.Struct:
        urn = f"urn:pulumi:test::p::{type_}::{name}"
        seed = uuid.uuid4().bytes
        answer = self._call(
            "Check", urn=urn, type=type_, name=name, olds=olds, news=wire.struct(inputs), randomSeed=seed
        )
        if answer.failures:
            raise Refused("; ".join(f"{one.property}: {one.reason}" for one in answer.failures))
        return answer.inputs

    def preview(self, type_: str, name: str, inputs: Data) -> Data:
        checked = self.check(type_, name, inputs)
        urn = f"urn:pulumi:test::p::{type_}::{name}"
        answer = self._call("Create", urn=urn, type=type_, name=name, properties=checked, preview=True)
        assert answer.id == ""
        return wire.props(answer.properties)

    def create(self, type_: str, name: str, inputs: Data, timeout: float = 0.0) -> Resource:
        checked = self.check(type_, name, inputs)
        resource = Resource(type_, f"urn:pulumi:test::p::{type_}::{name}", checked)
        answer = self._call(
            "Create", resource, urn=resource.urn, type=type_, name=name, properties=checked, timeout=timeout
        )
        resource.id, resource.state = answer.id, answer.properties
        return resource

    def diff(self, resource: Resource, inputs: Data) -> Any:
        """The answer of Diff; its `news` attribute are the checked inputs."""
        name = resource.urn.rpartition("::")[2]
        news = self.check(resource.type, name, inputs, resource.inputs)
        return self._call(
            "Diff",
            urn=resource.urn,
            type=resource.type,
            id=resource.id,
            olds=resource.state,
            old_inputs=resource.inputs,
            news=news,
        )

    def update(
        self,
        resource: Resource,
        inputs: Data,
        *,
        preview: bool = False,
        timeout: float = 0.0,
        ignored: tuple[str, ...] = (),
    ) -> Data:
        """Check and Update; changes `resource` unless it is a preview. Returns the outputs."""
        name = resource.urn.rpartition("::")[2]
        news = self.check(resource.type, name, inputs, resource.inputs)
        answer = self._call(
            "Update",
            resource,
            urn=resource.urn,
            type=resource.type,
            id=resource.id,
            olds=resource.state,
            old_inputs=resource.inputs,
            news=news,
            preview=preview,
            timeout=timeout,
            ignoreChanges=ignored,
        )
        if not preview:
            resource.inputs, resource.state = news, answer.properties
        return wire.props(answer.properties)

    def refresh(self, resource: Resource) -> bool:
        """Read; False when the resource is gone."""
        answer = self._call(
            "Read",
            resource,
            urn=resource.urn,
            type=resource.type,
            id=resource.id,
            properties=resource.state,
            inputs=resource.inputs,
        )
        if answer.id:
            resource.inputs, resource.state = answer.inputs, answer.properties
        return bool(answer.id)

    def load(self, type_: str, id_: str) -> Resource | None:
        """Read without a state: import and `get`."""
        urn = f"urn:pulumi:test::p::{type_}::loaded"
        answer = self._call("Read", urn=urn, type=type_, id=id_)
        return Resource(type_, urn, answer.inputs, answer.id, answer.properties) if answer.id else None

    def delete(self, resource: Resource, timeout: float = 0.0) -> None:
        self._call(
            "Delete",
            urn=resource.urn,
            type=resource.type,
            id=resource.id,
            properties=resource.state,
            old_inputs=resource.inputs,
            timeout=timeout,
        )

    def invoke(self, token: str, args: Data) -> Data:
        return wire.props(getattr(self._call("Invoke", tok=token, args=wire.struct(args)), "return"))

    def _call(self, method: str, resource: Resource | None = None, **fields: Any) -> Any:
        requests = {"Invoke": provider_pb2.InvokeRequest}
        request = requests.get(method) or getattr(provider_pb2, f"{method}Request")
        try:
            return getattr(self.stub, method)(request(**fields))
        except grpc.RpcError as error:
            raise _explained(error, resource) from None


def _explained(error: Any, resource: Resource | None) -> Exception:
    """What the engine makes of an error: a half-made resource is kept."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin" and resource is not None:
            status = status_pb2.Status.FromString(value)
            detail = provider_pb2.ErrorResourceInitFailed()
            assert status.details[0].Unpack(detail)
            resource.id, resource.state = detail.id, detail.properties
            return Unfinished(resource, list(detail.reasons))
    return Refused(error.details())


@contextmanager
def engine(kubeconfig: Any, **config: str) -> Iterator[EngineDouble]:
    """A provider serving on loopback, configured with `kubeconfig`."""
    servicer = KubernetesServicer()
    server = grpc.server(ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    double = EngineDouble(provider_pb2_grpc.ResourceProviderStub(channel), servicer, [])

    def tell(target: Target, message: str, *, status: bool = True, warning: bool = False) -> None:
        double.told.append(message)

    servicer.kubernetes.session.tell = tell
    try:
        args = {"kubeconfig": kubeconfig} | config
        double.stub.Configure(provider_pb2.ConfigureRequest(args=wire.struct(args), acceptSecrets=True))
        yield double
    finally:
        servicer.cancelled.set()
        server.stop(1).wait(5)
        channel.close()


def later(condition: Callable[[], Any], action: Callable[[], Any]) -> threading.Thread:
    """Run `action` in a thread as soon as `condition` holds."""
    thread = threading.Thread(target=lambda: (emulated.eventually(condition), action()))
    thread.start()
    return thread
