"""What the engine sees of a provider: values, differences, errors. Over real gRPC, with a back end that misbehaves on
demand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers import wire
from sandbox.providers.protocol import Naming, Servicer
from sandbox.providers.wire import SECRET, SIGNATURE, UNKNOWN
from tests.sandbox.providers.memory import Memory

URN = "urn:pulumi:s::p::m:i:Thing::name"
SEED = b"\x01\x02\x03\x04\x05"


def common(kind: str = "m:i:Thing") -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::p::{kind}::name", "type": kind, "name": "name"}


def secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


class Connection:
    """A back end, its servicer, and a client's stub."""

    def __init__(self, accept_secrets: bool) -> None:
        self.backend = Memory(accept_secrets)
        self.servicer = Servicer(self.backend)
        self.server = grpc.server(ThreadPoolExecutor(8))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self.servicer, self.server)
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def close(self) -> None:
        self.backend.release.set()
        self.channel.close()
        self.server.stop(0).wait()


@pytest.fixture
def plain() -> Iterator[Connection]:
    made = Connection(accept_secrets=False)
    yield made
    made.close()


@pytest.fixture
def keeping() -> Iterator[Connection]:
    """A provider that accepts secrets."""
    made = Connection(accept_secrets=True)
    yield made
    made.close()


def test_the_handshake_says_what_the_back_end_accepts(plain: Connection, keeping: Connection) -> None:
    request = provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1")
    for connection, accepts in ((plain, False), (keeping, True)):
        answer = connection.stub.Handshake(request)
        configured = connection.stub.Configure(provider_pb2.ConfigureRequest())
        assert answer.accept_secrets == configured.acceptSecrets == accepts
        assert configured.supportsPreview
        assert connection.servicer.engine_address == "127.0.0.1:1"
    assert plain.stub.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"


def test_an_unknown_property_reaches_check_and_preview_and_comes_back(plain: Connection) -> None:
    news = wire.struct({"size": UNKNOWN})
    checked = plain.stub.Check(provider_pb2.CheckRequest(**common(), news=news, randomSeed=SEED))
    assert wire.props(checked.inputs) == {"size": UNKNOWN, "meta": {"name": "name-0102030"}}
    request = provider_pb2.CreateRequest(**common(), properties=checked.inputs, preview=True)
    answer = plain.stub.Create(request)
    assert answer.id == ""
    assert wire.props(answer.properties)["size"] == UNKNOWN


def test_check_reports_problems_by_property(plain: Connection) -> None:
    answer = plain.stub.Check(provider_pb2.CheckRequest(**common(), randomSeed=SEED))
    assert [(one.property, one.reason) for one in answer.failures] == [("size", "missing")]


def test_check_hears_of_the_projects_naming_rule(plain: Connection) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions
    rule = options(proposed_name="dc-1", mode=options.ENFORCE)
    plain.stub.Check(provider_pb2.CheckRequest(**common(), autonaming=rule))
    assert plain.backend.last["naming"] == Naming("dc-1", disabled=False, enforced=True)
    plain.stub.Check(provider_pb2.CheckRequest(**common()))
    assert plain.backend.last["naming"] is None


def test_type_and_name_are_read_from_the_urn_where_the_engine_sends_them_there_only(plain: Connection) -> None:
    urn = "urn:pulumi:s::p::a:b:Parent$m:i:Thing::the::name"
    plain.stub.Check(provider_pb2.CheckRequest(urn=urn))
    assert plain.backend.last["target"].type == "m:i:Thing"


def test_a_provider_that_accepts_secrets_keeps_them_in_inputs_and_outputs(keeping: Connection) -> None:
    news = wire.struct({"size": 1, "data": {"key": secret("s3cr3t")}})
    checked = keeping.stub.Check(provider_pb2.CheckRequest(**common(), news=news, randomSeed=SEED)).inputs
    made = keeping.stub.Create(provider_pb2.CreateRequest(**common(), properties=checked))
    assert keeping.backend.last["data"] == {"key": "s3cr3t"}
    request = provider_pb2.ReadRequest(**common(), id="t-1", properties=made.properties, inputs=checked)
    read = keeping.stub.Read(request)
    request = provider_pb2.UpdateRequest(**common(), id="t-1", olds=made.properties, old_inputs=checked, news=checked)
    updated = keeping.stub.Update(request)
    for struct in (checked, made.properties, read.properties, read.inputs, updated.properties):
        data = struct.fields["data"].struct_value.fields["key"]
        assert wire.signature(data) == SECRET
        assert not wire.has_secret(struct.fields["size"])


def test_a_missing_resource_reads_as_an_empty_id(plain: Connection) -> None:
    assert plain.stub.Read(provider_pb2.ReadRequest(**common(), id="t-9")).id == ""


def test_a_difference_names_properties_paths_and_what_replaces(plain: Connection) -> None:
    old, new = wire.struct({"meta": {"name": "a"}, "size": 1, "x": 1}), wire.struct({"meta": {"name": "b"}, "size": 2})
    answer = plain.stub.Diff(provider_pb2.DiffRequest(**common(), id="t-1", old_inputs=old, news=new))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert (list(answer.diffs), list(answer.replaces)) == (["meta", "size", "x"], ["meta"])
    kinds = {path: (one.kind, one.inputDiff) for path, one in answer.detailedDiff.items()}
    update, replace, delete = 4, 5, 2
    assert kinds == {"meta.name": (replace, True), "size": (update, True), "x": (delete, True)}
    assert answer.deleteBeforeReplace
    assert answer.hasDetailedDiff
    answer = plain.stub.Diff(provider_pb2.DiffRequest(**common(), id="t-1", old_inputs=old, news=old))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_changed_region_replaces_the_provider(plain: Connection) -> None:
    old, new = wire.struct({"region": "a", "x": 1}), wire.struct({"region": "b", "x": 2})
    answer = plain.stub.DiffConfig(provider_pb2.DiffRequest(olds=old, news=new))
    assert (list(answer.diffs), list(answer.replaces)) == (["region", "x"], ["region"])
    answer = plain.stub.CheckConfig(provider_pb2.CheckRequest(news=wire.struct({"region": "mars"})))
    assert answer.failures[0].property == "region"


def refusal(call: Any, request: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return caught.value


@pytest.mark.parametrize(
    ("method", "request_", "code", "text"),
    [
        ("Check", provider_pb2.CheckRequest(**common("m:i:Unknown")), "UNIMPLEMENTED", "m:i:Unknown is not available"),
        ("Configure", provider_pb2.ConfigureRequest(args=wire.struct({"fail": "1"})), "PERMISSION_DENIED", "not all"),
        ("Invoke", provider_pb2.InvokeRequest(tok="m:i:no"), "UNIMPLEMENTED", "function m:i:no is not available"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_its_code(
    plain: Connection, method: str, request_: Any, code: str, text: str
) -> None:
    error: Any = refusal(getattr(plain.stub, method), request_)
    assert error.code().name == code
    assert text in error.details()
    assert "\n" not in error.details()


def test_a_fault_of_the_provider_is_one_line_and_its_traceback_is_in_the_log_only(
    plain: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "sandbox.providers"):
        error: Any = refusal(plain.stub.Create, provider_pb2.CreateRequest(**common("m:i:Broken")))
    assert error.code() == grpc.StatusCode.INTERNAL
    assert error.details().startswith("fault in the local provider: KeyError: ")
    assert "(memory.py:" in error.details()
    assert "\n" not in error.details()
    assert "Traceback" not in error.details()
    assert "Traceback" in caplog.text
    assert plain.servicer.idle.is_set()


@pytest.mark.parametrize("kind", ["plain", "keeping"])
def test_a_half_made_resource_keeps_its_id_state_and_secrets(kind: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(kind)
    inputs = wire.struct({"size": 1, "password": secret("s3cr3t")})
    error: Any = refusal(connection.stub.Create, provider_pb2.CreateRequest(**common("m:i:Half"), properties=inputs))
    assert error.code() == grpc.StatusCode.UNKNOWN
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    half = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(half)
    assert (half.id, list(half.reasons)) == ("h-1", ["the second call failed"])
    assert wire.props(half.properties) == {"size": 1, "password": "s3cr3t", "arn": "a"}
    assert wire.props(half.inputs) == {"size": 1, "password": "s3cr3t"}
    for struct in (half.properties, half.inputs):
        assert wire.has_secret(struct.fields["password"]) == (kind == "keeping")


def test_values_are_never_logged(plain: Connection, caplog: pytest.LogCaptureFixture) -> None:
    inputs = wire.struct({"size": 1, "password": "s3cr3t", "quote": True})
    with caplog.at_level(logging.DEBUG, "sandbox.providers"):
        error: Any = refusal(plain.stub.Create, provider_pb2.CreateRequest(**common("m:i:Half"), properties=inputs))
    assert "s3cr3t" in error.details(), "the user's own screen may show it"
    assert "Create urn:pulumi:s::p::m:i:Half::name: half made" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_cancel_reaches_waits_while_the_running_call_goes_on(plain: Connection) -> None:
    request = provider_pb2.CreateRequest(**common("m:i:Slow"), properties=wire.struct({"seconds": 60}))
    running = plain.stub.Create.future(request)
    assert plain.backend.started.wait(120)
    assert not plain.servicer.idle.is_set()
    plain.stub.Cancel(empty_pb2.Empty())
    assert plain.servicer.cancelled.is_set()
    assert not running.done()
    plain.backend.release.set()
    assert running.result(timeout=120).id == "t-1"
    assert plain.servicer.idle.wait(120)


def test_status_lines_never_fail_a_call(plain: Connection) -> None:
    target = plain.backend.last.get("target")
    plain.servicer.connect("127.0.0.1:1")  # nobody listens there
    plain.stub.Check(provider_pb2.CheckRequest(**common()))
    plain.servicer.tell(target or plain.backend.last["target"], "waiting")
