"""The same toolkit on Google Cloud: a TPU data center on this machine, from one command to nothing left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.gcp.store import Store
from tests.e2e.checkout import Checkout, lines
from tests.e2e.conftest import Deployed
from tests.sandbox.emulated import eventually

STACK = "local-tpu"


@pytest.fixture(scope="module")
def tpus() -> Iterator[Deployed]:
    checkout = Checkout.fresh()
    try:
        done = checkout.make("up", f"STACK={STACK}")
        yield Deployed(checkout, done.returncode, done.stdout, done.stderr)
    finally:
        checkout.remove()


def kubectl(checkout: Checkout, arguments: str) -> Any:
    """What kubectl answers with the stack's own kubeconfig."""
    outputs = json.loads(checkout.shell(f"pulumi stack output --stack {STACK} --json").stdout)
    checkout.write("kubeconfig.json", outputs["cluster"]["kubeconfig"])
    command = f'"$(ls -d {checkout.settings.cache}/tools/kube-*/bin/kube | tail -1)" kubectl'
    script = f"KUBECONFIG=kubeconfig.json {command} {arguments} -o json"
    return json.loads(checkout.shell(script).stdout)


def test_make_up_ends_with_a_measured_verdict_and_a_scheduled_slice(tpus: Deployed) -> None:
    assert tpus.code == 0, tpus.out + tpus.err
    assert lines(tpus.out, "benchmark bench: PASS")
    (line,) = lines(tpus.out, "benchmark v6e:")
    assert "scheduled, not measured (4 pods were placed on 4 simulated nodes)" in line
    history = tpus.checkout.settings.state / "history" / f"{STACK}.jsonl"
    results = [json.loads(line) for line in history.read_text().splitlines()]
    (measured,) = [entry["result"] for entry in results if entry["pool"] == "bench"]
    assert len({(rank["hostname"], rank["pid"]) for rank in measured["ranks"]}) >= 2


def test_the_stacks_own_kubeconfig_reaches_the_slice_without_gcloud(tpus: Deployed) -> None:
    """Signed in by the command that the kubeconfig names, which the local cloud puts on PATH."""
    nodes = kubectl(tpus.checkout, "get nodes -l cloud.google.com/gke-tpu-topology=4x4")["items"]
    assert len(nodes) == 4
    assert {node["metadata"]["labels"]["cloud.google.com/gke-nodepool"] for node in nodes} == {"v6e"}
    assert sum(int(node["status"]["allocatable"]["google.com/tpu"]) for node in nodes) == 16
    pods = kubectl(tpus.checkout, "get pods -n benchmark-v6e")["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}


def test_a_second_make_up_changes_nothing(tpus: Deployed) -> None:
    done = tpus.checkout.run("operations", "up", "--stack", STACK, check=True)
    shown = done.stdout + done.stderr
    assert " unchanged" in shown
    assert not [word for word in (" created", " updated", " replaced", " deleted") if f"{word}\n" in shown]


def test_what_a_killed_update_has_recorded_is_removed(tpus: Deployed) -> None:
    """And nothing else: the rest is as the state says."""
    checkout, store = tpus.checkout, Store.of(tpus.checkout.settings)
    before = {entry.id for entry in store.all()}
    network = store.of_type("gcp:compute/network:Network")[0]
    store.add(replace(network, id=f"{network.id}-stray"))
    (checkout.settings.state / "boot" / STACK).write_text("another start of the cloud")
    done = checkout.run("operations", "recover", "--stack", STACK, check=True)
    assert "removed 1 objects that nobody manages" in done.stdout + done.stderr
    assert {entry.id for entry in store.all()} == before


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "gcp.bigquery.Dataset('d', dataset_id='d')",
            "gcp:bigquery/dataset:Dataset is not available in the local cloud",
        ),
        (
            "gcp.storage.Bucket('b', location='US', storage_class='WARM')",
            "storageClass: WARM is not allowed; give one of ARCHIVE, COLDLINE",
        ),
    ],
    ids=["type", "value"],
)
def test_what_cannot_be_recorded_is_refused_in_one_line(tpus: Deployed, program: str, message: str) -> None:
    """Before anything is made, by the real engine."""
    checkout = tpus.checkout
    checkout.folder.joinpath("odd").mkdir(exist_ok=True)
    checkout.write("odd/Pulumi.yaml", "name: odd\nruntime: python\n")
    checkout.write("odd/__main__.py", f"import pulumi_gcp as gcp\n{program}\n")
    commands = "cd odd; pulumi stack select --create odd; pulumi config set gcp:project aidc-local; pulumi preview"
    done = checkout.shell(commands, check=False)
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert message in shown
    assert "Traceback" not in shown
    checkout.shell("cd odd; pulumi stack rm --yes odd")


def test_down_leaves_nothing(tpus: Deployed) -> None:
    """Last: the other tests look at what this one removes."""
    checkout = tpus.checkout
    done = checkout.make("down", f"STACK={STACK}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is left" in done.stdout
    assert Store.of(checkout.settings).all() == []
    eventually(lambda: checkout.processes() == [])
