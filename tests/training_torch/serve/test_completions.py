"""Completions: OpenAI's interface, batching, streaming."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch

from tests.training_torch.serve.conftest import Running
from training.models.generation import generate
from training.serve.engine import Engine

Start = Callable[..., Running]
PROMPTS = ["a", "The scheduler", "stops", "x" * 60, "the file system measures", "!", "one epoch", "every hour"]


def events(running: Running, body: dict[str, Any]) -> list[Any]:
    found = running.client.post("/v1/completions", {**body, "stream": True})
    assert found.headers["content-type"].startswith("text/event-stream")
    parts = [part.removeprefix("data: ") for part in found.text.split("\n\n") if part]
    assert parts[-1] == "[DONE]"
    return [json.loads(part) for part in parts[:-1]]


def test_an_answer_has_openais_shape(start: Start) -> None:
    found = start("bloom").client.post("/v1/completions", {"model": "bloom", "prompt": "Hello", "max_tokens": 5}).json
    assert found["object"] == "text_completion"
    assert found["id"].startswith("cmpl-")
    assert found["model"] == "bloom"
    assert set(found["choices"][0]) == {"text", "index", "logprobs", "finish_reason"}
    usage = found["usage"]
    assert usage["prompt_tokens"] == 5
    assert usage["total_tokens"] == 5 + usage["completion_tokens"] <= 10


@pytest.mark.parametrize("name", ["bloom", "gpt"])
@pytest.mark.parametrize("temperature", [0, 1.0])
def test_a_seeded_answer_is_the_same_alone_and_in_a_batch(name: str, temperature: float, start: Start) -> None:
    settings = {"max_tokens": 24, "temperature": temperature, "top_p": 0.95}
    alone = start(name, max_batch=1).client
    wanted = [alone.complete(prompt, seed=number, **settings) for number, prompt in enumerate(PROMPTS)]
    together = start(name, max_batch=len(PROMPTS), max_wait_ms=60_000)
    with ThreadPoolExecutor(len(PROMPTS)) as clients:
        futures = [
            clients.submit(together.client.complete, prompt, seed=number, **settings)
            for number, prompt in enumerate(PROMPTS)
        ]
        found = [future.result() for future in futures]
    assert found == wanted
    metrics = together.client.get("/metrics").text
    assert "serve_batch_size_count 1.0" in metrics  # they did run as one batch
    assert f"serve_batch_size_sum {len(PROMPTS)}.0" in metrics


def test_the_likeliest_answer_is_that_of_the_models_own_generation(start: Start) -> None:
    running = start("gpt")
    engine: Engine = running.service.engine
    assert engine.tokenizer
    prompt = "The operator"
    ids = torch.tensor([engine.encode(prompt)])
    made = generate(engine.model, ids, 20, temperature=0.0, end=engine.tokenizer.end)[0, ids.shape[1] :].tolist()  # type: ignore[arg-type]
    wanted = engine.tokenizer.decode(made[: made.index(1)] if 1 in made else made)
    assert running.client.complete(prompt, max_tokens=20, temperature=0) == [wanted]


def test_the_same_seed_gives_the_same_answer_and_another_one_another(start: Start) -> None:
    client = start("bloom").client
    first, again, other = (client.complete("Hello", max_tokens=24, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_choices_and_prompts_come_in_order(start: Start) -> None:
    client = start("bloom").client
    found = client.complete(["one", "two"], n=2, seed=5, max_tokens=12)
    assert found == [
        *client.complete("one", n=2, seed=5, max_tokens=12),
        *client.complete("two", n=2, seed=5, max_tokens=12),
    ]


def test_a_stream_tells_the_same_text_in_pieces(start: Start) -> None:
    running = start("bloom")
    body = {"prompt": "Hello", "max_tokens": 24, "seed": 3}
    found = events(running, body)
    assert "".join(one["choices"][0]["text"] for one in found) == running.client.complete(**body)[0]
    assert [one["choices"][0]["finish_reason"] for one in found[:-1]] == [None] * (len(found) - 1)
    assert found[-1]["choices"][0]["finish_reason"] in {"stop", "length"}


def test_a_stop_text_ends_the_answer_before_it(start: Start) -> None:
    client = start("bloom").client
    whole = client.complete("Hello", max_tokens=40, seed=3)[0]
    stop = whole[8:10]
    found = client.post("/v1/completions", {"prompt": "Hello", "max_tokens": 40, "seed": 3, "stop": stop}).json
    assert found["choices"][0] == {
        "text": whole[: whole.index(stop)], "index": 0, "logprobs": None, "finish_reason": "stop",
    }  # fmt: skip


def test_tokens_are_taken_as_prompts_and_checked(start: Start) -> None:
    client = start("bloom").client
    ids = [one + 3 for one in b"Hello"]
    assert client.complete(ids, seed=1) == client.complete("Hello", seed=1)
    refused = client.post("/v1/completions", {"prompt": [512]})
    assert refused.status == 400
    assert "token ids lie between 0 and 511" in refused.json["error"]["message"]


def test_an_empty_prompt_is_answered(start: Start) -> None:
    assert len(start("bloom").client.complete("", max_tokens=3)) == 1


def test_a_request_beyond_the_context_is_refused(start: Start) -> None:
    running = start("bloom", max_tokens=100_000)
    context = running.service.engine.context
    found = running.client.post("/v1/completions", {"prompt": "Hello", "max_tokens": context})
    assert found.status == 400
    assert found.json["error"]["code"] == "context_length_exceeded"
    assert f"context is {context} tokens, but {context + 5} were asked for" in found.json["error"]["message"]


def test_a_client_that_goes_away_ends_its_work(start: Start) -> None:
    running = start("bloom", max_batch=1)
    engine, steps, gone = running.service.engine, threading.Semaphore(0), threading.Event()
    inner: Any = engine.model.hidden

    def slow(*arguments: Any) -> torch.Tensor:
        steps.release()
        if not gone.is_set():
            gone.wait(0.05)
        return inner(*arguments)

    engine.model.hidden = slow  # type: ignore[assignment]
    connection = http.client.HTTPConnection("127.0.0.1", running.client.port, timeout=60)
    connection.request("POST", "/v1/completions", json.dumps({"prompt": "x", "max_tokens": 1500, "stream": True}))
    answer = connection.getresponse()
    assert steps.acquire(timeout=300)
    answer.close()
    connection.close()
    # The next request is answered although the abandoned one asked for 1500 tokens: it did not run to its end.
    assert running.client.complete("y", max_tokens=1) is not None
    gone.set()
    made = 0
    while steps.acquire(blocking=False):
        made += 1
    assert made < 1000


def test_a_model_that_fails_is_an_answer_and_the_server_goes_on(start: Start) -> None:
    running = start("bloom")
    engine = running.service.engine
    inner: Any = engine.model.hidden

    def fail(*_: Any) -> torch.Tensor:
        engine.model.hidden = inner  # type: ignore[assignment]
        raise torch.OutOfMemoryError("no memory")

    engine.model.hidden = fail  # type: ignore[assignment]
    found = running.client.post("/v1/completions", {"prompt": "x"})
    assert found.status == 500
    assert found.json["error"]["message"] == "the model failed: OutOfMemoryError"
    assert running.client.complete("x", max_tokens=1)
