from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.settings import Settings
from tests import ports


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path, 20000)


def sleeper(settings: Settings, name: str, code: str = "import time; time.sleep(600)") -> subprocess.Popen[bytes]:
    """A process that looks like a daemon, and has said that it is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"print('up', flush=True)\n{code}"],
        env={**os.environ, "AIDC_DAEMON": name, "AIDC_STATE": str(settings.state)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"up\n"
    return process


def test_a_daemon_is_known_by_its_environment(settings: Settings) -> None:
    with sleeper(settings, "etcd") as process:
        try:
            assert processes.ours(settings) == {process.pid: "etcd"}
            other = Settings(settings.state / "other", settings.cache, settings.port)
            assert processes.ours(other) == {}
        finally:
            process.kill()


def test_a_dead_process_that_nobody_has_waited_for_is_not_running(settings: Settings) -> None:
    with sleeper(settings, "etcd") as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert processes.ours(settings) == {}


def test_a_process_that_ignores_the_first_signal_is_ended_all_the_same(settings: Settings) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    with sleeper(settings, "deaf", deaf) as process:
        assert process.stdout
        assert process.stdout.readline() == b"deaf\n"
        processes.end([process.pid], grace=0.2)
        assert processes.ours(settings) == {}


def test_a_listener_takes_its_port_and_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not processes.is_free(port)
        assert processes.owner(port) == f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"
    assert processes.is_free(port)
    assert processes.owner(port) is None


def test_a_port_with_an_old_connection_is_free() -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        caller = socket.create_connection(("127.0.0.1", port))
        answer, _ = listener.accept()
        answer.close()  # the side that closes first keeps the port in TIME_WAIT
        caller.close()
    assert processes.is_free(port)


def test_a_free_block_holds_no_taken_port() -> None:
    first = ports.block()
    assert processes.free_block(first, 10) == first
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first + 9))
        listener.listen()
        second = processes.free_block(first, 10)
    assert second
    assert second >= first + 10


def test_the_second_at_a_lock_waits_and_says_for_whom(tmp_path: Path) -> None:
    lock, said, order = tmp_path / "lock", threading.Event(), []
    lines: list[str] = []

    def waiting(line: str) -> None:
        lines.append(line)
        said.set()

    def second() -> None:
        with processes.exclusively(lock, waiting):
            order.append("second")

    with processes.exclusively(lock, lines.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert said.wait(120)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert lines == [f"waiting for another command of this sandbox to end (pid {os.getpid()})"]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, settings: Settings) -> None:
    code = (
        "import time; from pathlib import Path; from sandbox import processes\n"
        f"with processes.exclusively(Path({str(tmp_path / 'lock')!r}), print):\n"
        "    print('holds', flush=True); time.sleep(600)"
    )
    with sleeper(settings, "holder", code) as process:
        assert process.stdout
        assert process.stdout.readline() == b"holds\n"
        process.kill()
    with processes.exclusively(tmp_path / "lock", pytest.fail):
        pass
