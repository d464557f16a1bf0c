from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from sandbox import processes, supervisor, supervisord
from sandbox.daemons import Daemon
from sandbox.kubernetes import binary
from sandbox.kubernetes.connection import connect
from sandbox.settings import Settings
from terminal import UserError
from tests import ports
from tests.sandbox.conftest import new_settings
from tests.sandbox.emulated import Cluster, eventually


@pytest.fixture
def nowhere() -> Iterator[Settings]:
    """A sandbox that is not started by the fixture; whatever the test starts of it is ended."""
    settings = new_settings()
    yield settings
    supervisor.stop(settings)
    shutil.rmtree(settings.state)
    assert processes.ours(settings) == {}


def pids(settings: Settings) -> dict[str, int]:
    """Name -> pid of what supervisord keeps, and supervisord itself."""
    known = {status.name: status.pid for status in supervisor.status(settings) if status.pid}
    return {**known, supervisord.NAME: supervisord.Client(settings).pid()}


def healthy(settings: Settings) -> bool:
    return all(status.ready or status.state == "unavailable" for status in supervisor.status(settings))


@pytest.fixture
def fake_kube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Kubernetes program that says why it fails and ends."""
    program = tmp_path / "kube"
    program.write_text('#!/bin/sh\necho "$1: the disk is on fire"\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setattr(binary, "locate", lambda _: lambda component: [str(program), component])
    return program


# Without a cloud


def test_a_taken_port_is_told_with_its_daemon_its_owner_and_the_way_out(nowhere: Settings, fake_kube: Path) -> None:
    with socket.socket() as one, socket.socket() as two:
        for listener in (one, two):  # another test's cloud may have had these ports a moment ago
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", nowhere.ports["scheduler"]))
        two.bind(("0.0.0.0", nowhere.ports["aws"]))
        one.listen()
        two.listen()
        with pytest.raises(UserError) as refused:
            supervisor.start(nowhere)
    assert len(refused.value.problems) == 2
    text = next(problem for problem in refused.value.problems if "scheduler" in problem)
    assert f"port {nowhere.ports['scheduler']}, needed by scheduler, is taken by" in text
    assert f"(pid {os.getpid()})" in text
    assert "AIDC_PORT=" in text
    assert processes.ours(nowhere) == {}


@pytest.mark.sandbox
def test_a_daemon_that_cannot_live_is_told_with_the_end_of_its_log(nowhere: Settings, fake_kube: Path) -> None:
    with pytest.raises(UserError) as refused:
        supervisor.start(nowhere)
    text = str(refused.value)
    assert text.startswith("apiserver does not work (it ends again and again)")
    assert "apiserver: the disk is on fire" in text
    assert str(supervisord.log_path(nowhere, "apiserver")) in text


@pytest.mark.sandbox
def test_a_program_that_is_not_there_is_told(nowhere: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "locate", lambda _: lambda component: ["/nowhere/kube", component])
    with pytest.raises(UserError, match=r"etcd does not work \(it cannot be started: "):
        supervisor.start(nowhere)


def test_stopping_what_never_ran_is_fine(nowhere: Settings) -> None:
    supervisor.stop(nowhere)
    assert not supervisor.is_running(nowhere)
    assert {status.state for status in supervisor.status(nowhere)} <= {"stopped", "unavailable"}


def test_a_reset_removes_only_what_the_sandbox_wrote(nowhere: Settings) -> None:
    for name in ("pki", "etcd", "pulumi-state", "diary"):
        (nowhere.state / name).mkdir()
        (nowhere.state / name / "file").touch()
    supervisor.reset(nowhere)
    assert {path.name for path in nowhere.state.iterdir()} - {"sandbox.lock"} == {"pulumi-state", "diary"}


def test_the_control_socket_has_a_short_path_whatever_the_state_folder() -> None:
    deep = Settings(Path("/" + "x" * 200), Path("/cache"), 20000)
    other = dataclasses.replace(deep, state=deep.state / "y")
    assert len(str(supervisord.socket_path(deep))) <= supervisord.SOCKET_PATH_LIMIT
    assert supervisord.socket_path(deep) != supervisord.socket_path(other)
    plain = Settings(Path("/state"), Path("/cache"), 20000)
    assert supervisord.socket_path(plain) == Path("/state/supervisor/supervisor.sock")


def test_the_daemons_see_nothing_of_the_users_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "KUBECONFIG", "HTTPS_PROXY", "PULUMI_ACCESS_TOKEN"):
        monkeypatch.setenv(name, "secret")
    found = supervisord.environment(Settings(Path("/state"), Path("/cache"), 20000))
    assert "secret" not in found.values()
    assert found["AIDC_PORT"] == "20000"


def test_a_percent_sign_in_a_path_reaches_supervisord_as_it_is() -> None:
    settings = Settings(Path("/a%b"), Path("/cache"), 20000)
    text = supervisord.configuration(settings, [Daemon("one", ("run", "--x=50%", "two words"), 0)])
    assert "command=run --x=50%% 'two words'" in text
    assert "logfile=/a%%b/logs/supervisord.log" in text
    assert "%" not in text.replace("%%", "")


def test_a_daemon_that_is_not_for_this_machine_is_not_configured() -> None:
    settings = Settings(Path("/state"), Path("/cache"), 20000)
    text = supervisord.configuration(settings, [Daemon("node", ("run",), 2, missing="needs Linux")])
    assert "[program:node]" not in text


# With a cloud of their own


def test_a_second_start_changes_nothing(cloud: Settings) -> None:
    before = pids(cloud)
    supervisor.start(cloud)
    assert pids(cloud) == before


def test_what_only_some_stacks_need_is_not_started(cloud: Settings) -> None:
    """The controller of job sets, and anything of Google Cloud."""
    assert "jobset" not in {status.name for status in supervisor.status(cloud)}
    assert not {name for name in processes.ours(cloud).values() if "gcp" in name or "jobset" in name}
    assert not (cloud.state / "gcp").exists()
    supervisor.wait_ready(cloud)


def test_a_killed_daemon_comes_back_and_the_others_stay(cloud: Settings) -> None:
    before = pids(cloud)
    processes.kill(before["scheduler"])
    eventually(lambda: healthy(cloud) and pids(cloud)["scheduler"] != before["scheduler"])
    after = pids(cloud)
    assert {name for name in before if before[name] != after[name]} == {"scheduler"}


def test_a_killed_supervisor_is_recovered_by_the_next_start(own_cloud: Settings) -> None:
    before = processes.ours(own_cloud)
    processes.kill(next(pid for pid, name in before.items() if name == supervisord.NAME))
    assert not supervisor.is_running(own_cloud)
    assert "etcd" in processes.ours(own_cloud).values(), "orphans, or this test shows nothing"
    supervisor.start(own_cloud)
    after = processes.ours(own_cloud)
    assert before.keys().isdisjoint(after.keys())
    assert sorted(after.values()) == sorted(set(after.values()))
    eventually(lambda: healthy(own_cloud))


def test_a_restarted_aws_api_takes_its_nodes_with_it(own_cloud: Settings) -> None:
    core: Any = client.CoreV1Api(connect(own_cloud))
    Cluster(own_cloud).group("lost", 2)
    eventually(lambda: len(core.list_node().items) == 2)
    processes.kill(pids(own_cloud)["aws"])
    eventually(lambda: core.list_node().items == [])
    eventually(lambda: healthy(own_cloud))


@pytest.mark.sandbox
@pytest.mark.parametrize("victim", ["apiserver", "aws"])
def test_a_daemon_killed_during_the_start_does_not_stop_it(nowhere: Settings, victim: str) -> None:
    killed: list[int] = []

    def kill_once() -> None:
        killed.append(eventually(lambda: next((p for p, n in processes.ours(nowhere).items() if n == victim), 0)))
        processes.kill(killed[0])

    killer = threading.Thread(target=kill_once)
    killer.start()
    supervisor.start(nowhere)
    killer.join()
    assert killed[0] != pids(nowhere)[victim]
    eventually(lambda: healthy(nowhere))


def test_a_start_with_another_port_moves_the_whole_cloud(own_cloud: Settings) -> None:
    before = processes.ours(own_cloud)
    moved = dataclasses.replace(own_cloud, port=ports.block())
    supervisor.start(moved)
    assert before.keys().isdisjoint(processes.ours(moved).keys())
    eventually(lambda: healthy(moved))
    assert all(processes.is_free(port) for port in own_cloud.ports.values())


@pytest.mark.sandbox
def test_two_starts_at_once_make_one_sandbox_and_a_stop_leaves_nothing(nowhere: Settings) -> None:
    problems: list[BaseException] = []

    def run() -> None:
        try:
            supervisor.start(nowhere)
        except BaseException as problem:  # noqa: BLE001 - shown by the assertion
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    running = processes.ours(nowhere)
    assert sorted(running.values()) == sorted(set(running.values())), "nothing runs twice"
    supervisor.stop(nowhere)
    assert processes.ours(nowhere) == {}
    assert all(processes.is_free(port) for port in nowhere.ports.values())
    assert not (nowhere.state / "etcd").exists(), "the emulated cloud is gone, so must be its Kubernetes objects"
    assert (nowhere.state / "pki" / "ca.crt").exists()
