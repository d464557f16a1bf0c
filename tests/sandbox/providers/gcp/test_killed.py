"""A plugin process that is killed at any moment leaves a store from which the next one goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.gcp import faults
from sandbox.gcp.store import Store
from sandbox.providers import wire
from sandbox.providers.autonaming import GENERATED
from sandbox.settings import REPOSITORY, Settings
from tests.sandbox.emulated import eventually

NETWORK = "gcp:compute/network:Network"
URN = f"urn:pulumi:test::project::{NETWORK}::net"
CREATE = provider_pb2.CreateRequest(
    urn=URN, type=NETWORK, name="net", properties=wire.struct({"name": "net", GENERATED: []})
)

Process = tuple[subprocess.Popen[str], provider_pb2_grpc.ResourceProviderStub]


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[[], Process]]:
    """Starts a plugin process as the engine does, configured."""
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {"AIDC_STATE": str(settings.state), "PYTHONPATH": str(REPOSITORY)}

    def one() -> Process:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.providers.gcp"], env=environment, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout
        stub = provider_pb2_grpc.ResourceProviderStub(
            grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}")
        )
        stub.Configure(provider_pb2.ConfigureRequest(args=wire.struct({"project": "aidc-local"})))
        return process, stub

    yield one
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.parametrize("after", [False, True], ids=["before the record", "after the record"])
def test_a_create_that_was_killed_is_made_once(
    start: Callable[[], Process], settings: Settings, store: Store, after: bool
) -> None:
    entry = {"verb": "create", "type": NETWORK, "seconds": 600, "after": after}
    faults.path(settings).write_text(json.dumps([entry]))
    process, stub = start()

    def call() -> None:
        with pytest.raises(grpc.RpcError):
            stub.Create(CREATE)

    caller = threading.Thread(target=call)
    caller.start()
    eventually(lambda: json.loads(faults.path(settings).read_text())[0].get("times") == 0)
    eventually(lambda: len(store.all()) == after)
    process.kill()
    caller.join()

    _, stub = start()
    assert stub.Create(CREATE).id == "projects/aidc-local/global/networks/net"
    assert [found.id for found in Store(store.folder).all()] == ["projects/aidc-local/global/networks/net"]
