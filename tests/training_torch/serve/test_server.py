"""The process: its start, its graceful end, what it says when it cannot start."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training_torch.data.samples import prepared
from tests.training_torch.serve.conftest import Client
from training.data import preprocessing
from training.errors import BadInput
from training.serve import server
from training.serve.app import Service
from training.serve.cli import main
from training.serve.engine import Engine
from training.serve.settings import Settings

Exported = Callable[[str], Path]
PATIENCE_S = 300


class Held:
    """A served model whose every step waits until it may go on, and the server around it in this thread."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        self.service_of = lambda: Service(Engine(folder), Settings(**limits))
        self.began, self.go = threading.Event(), threading.Event()

    async def start(self) -> tuple[Client, asyncio.Task[None]]:
        self.service = self.service_of()
        model = self.service.engine.model
        inner: Any = model.hidden

        def hidden(*arguments: Any) -> torch.Tensor:
            self.began.set()
            assert self.go.wait(PATIENCE_S)
            return inner(*arguments)

        model.hidden = hidden  # type: ignore[assignment]
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(server.run(self.service, "127.0.0.1", 0, address.set_result))
        return Client(int((await address).rsplit(":", 1)[1])), task

    async def until_it_drains(self) -> None:
        while not self.service.draining:
            await asyncio.sleep(0)


def test_on_sigterm_work_is_finished_new_work_refused_and_the_server_ends(exported: Exported) -> None:
    held = Held(exported("bloom"))

    async def scenario() -> None:
        client, ended = await held.start()
        asking = asyncio.ensure_future(asyncio.to_thread(client.complete, "Hello", max_tokens=8, seed=1))
        await asyncio.to_thread(held.began.wait, PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        await held.until_it_drains()
        refused = await asyncio.to_thread(client.post, "/v1/completions", {"prompt": "x"})
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.json["error"]["type"] == "unavailable_error"
        assert (await asyncio.to_thread(client.get, "/readyz")).status == 503
        assert (await asyncio.to_thread(client.get, "/healthz")).status == 200
        assert not ended.done()
        held.go.set()
        assert len((await asking)[0]) > 0
        await asyncio.wait_for(ended, PATIENCE_S)
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(client.get, "/healthz")

    asyncio.run(scenario())


def test_a_stream_is_finished_too(exported: Exported) -> None:
    held = Held(exported("bloom"))

    async def scenario() -> bytes:
        client, ended = await held.start()
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=PATIENCE_S)
        body = json.dumps({"prompt": "Hello", "max_tokens": 8, "seed": 1, "stream": True})

        def ask() -> bytes:
            connection.request("POST", "/v1/completions", body)
            return connection.getresponse().read()

        asking = asyncio.ensure_future(asyncio.to_thread(ask))
        await asyncio.to_thread(held.began.wait, PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        await held.until_it_drains()
        held.go.set()
        found = await asking
        connection.close()
        await asyncio.wait_for(ended, PATIENCE_S)
        return found

    assert asyncio.run(scenario()).endswith(b"data: [DONE]\n\n")


def test_a_second_signal_ends_it_at_once(exported: Exported) -> None:
    held = Held(exported("bloom"))

    async def scenario() -> None:
        client, ended = await held.start()
        asking = asyncio.ensure_future(asyncio.to_thread(client.post, "/v1/completions", {"prompt": "x"}))
        await asyncio.to_thread(held.began.wait, PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        await held.until_it_drains()
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(ConnectionError):
            while True:
                await asyncio.to_thread(client.get, "/healthz")
        assert held.service.in_flight == 1  # it was not waited for
        held.go.set()
        await asyncio.wait_for(ended, PATIENCE_S)
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(scenario())


def test_work_that_takes_too_long_is_given_up_after_the_time_to_drain(exported: Exported) -> None:
    held = Held(exported("bloom"), drain_s=0.05)

    async def scenario() -> None:
        client, ended = await held.start()
        asking = asyncio.ensure_future(asyncio.to_thread(client.post, "/v1/completions", {"prompt": "x"}))
        await asyncio.to_thread(held.began.wait, PATIENCE_S)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(ConnectionError):
            while True:
                await asyncio.to_thread(client.get, "/healthz")
        assert held.service.in_flight == 1
        held.go.set()
        await asyncio.wait_for(ended, PATIENCE_S)
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(scenario())


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["x", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_what_keeps_it_from_starting_is_one_clear_message(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "--model", tmp_path / "none") == 2
    assert "is no folder; give the folder of an exported model" in capsys.readouterr().err
    assert command(monkeypatch, "--model", tmp_path) == 2
    assert capsys.readouterr().err.count("error: ") == 1
    assert command(monkeypatch, "--model", exported("mlp"), "--max-batch", 0, "--max-queue", 0) == 2
    assert capsys.readouterr().err.count("is not at least 1") == 2
    with __import__("socket").socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert command(monkeypatch, "--model", exported("mlp"), "--port", port) == 2
    assert f"--port {port}: cannot be listened on" in capsys.readouterr().err


def test_a_tokenizer_that_does_not_fit_the_model_is_refused(exported: Exported, tmp_path: Path) -> None:
    from training.data import tokenizer

    words = " ".join(f"w{number}" for number in range(600))
    tokenizer.train("words:600", [words], tmp_path / "tokenizer.json")
    with pytest.raises(BadInput, match="has 600 ids, the model's vocabulary has 512"):
        Engine(exported("bloom"), tokenizer=tmp_path / "tokenizer.json")


def test_the_server_reads_as_the_training_did(exported: Exported, tmp_path: Path) -> None:
    prepared(tmp_path / "data", "texts", tokenizer="words:200", clean="letters", max_tokens=7)
    folder = shutil.copytree(exported("bilstm"), tmp_path / "model")
    written = preprocessing.write(str(tmp_path / "data"), folder, 128)
    assert {path.name for path in written} == {"preprocessing.json", "tokenizer.json"}
    engine = Engine(folder)
    assert engine.classes == ["negative", "positive"]
    assert engine.tokenizer
    ids = engine.read("The SWITCH is -- wonderful!! and so on and on and on")
    assert (
        engine.tokenizer.decode(ids.tolist()) == "the switch is wonderful and so"[: len("the switch is wonderful and")]
    )
    assert len(ids) == 7
    preprocessing.write(str(tmp_path / "data"), folder, 5)
    shorter = Engine(folder).read("The SWITCH is -- wonderful!! and so on and on and on")
    assert shorter.tolist() == ids.tolist()[:5], "no longer than training read a text, whatever was prepared"


def test_synthetic_data_leaves_nothing_to_take_along(exported: Exported, tmp_path: Path) -> None:
    assert preprocessing.write("synthetic", tmp_path, 128) == []
    assert list(tmp_path.iterdir()) == []
