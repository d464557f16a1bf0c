"""The rest of the interface: classification, models, health, limits, feedback."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.training_torch.serve.conftest import Running
from training.feedback import open_store

Start = Callable[..., Running]


def png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("name", ["bert", "bilstm"])
def test_texts_are_classified_alike_alone_and_together(name: str, start: Start) -> None:
    client = start(name, max_wait_ms=50).client
    texts = ["good", "a much longer text that is rather bad", "?"]
    together = client.post("/v1/classify", {"input": texts})
    assert together.status == 200, together.text
    for number, text in enumerate(texts):
        one, other = client.post("/v1/classify", {"input": text}).json["data"][0], together.json["data"][number]
        assert one["probs"] == pytest.approx(other["probs"], abs=1e-6)
        assert other["index"] == number
        assert sum(other["probs"]) == pytest.approx(1)
        assert other["label"] == f"LABEL_{int(other['probs'][1] > other['probs'][0])}"


def test_images_are_classified(start: Start) -> None:
    found = start("resnet").client.post("/v1/classify", {"input": png(Image.new("RGB", (300, 260), (200, 30, 30)))})
    assert found.status == 200, found.text
    assert found.json["data"][0]["num_classes"] == 10


def test_digits_are_pixels_or_images(start: Start) -> None:
    running = start("mlp")
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[5:20, 12:16] = 255
    as_image = running.client.post("/v1/classify", {"input": png(Image.fromarray(pixels))}).json
    as_rows = running.client.post("/v1/classify", {"input": [(pixels / 255).tolist()]}).json
    assert as_image["data"] == as_rows["data"]
    batch = {"images": torch.from_numpy(pixels[None] / np.float32(255))}
    logits = running.service.engine.model(batch).logits
    assert as_rows["data"][0]["probs"] == pytest.approx(torch.softmax(logits, -1)[0].tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "given", "part"),
    [
        ("resnet", "not base64!", "is no image"),
        ("resnet", [[1, 2]], "give each as a base64 text"),
        ("mlp", [[[1, 2], [3, 4]]], "28 rows of 28 numbers"),
        ("bert", [["a", "b"]], "classifies texts"),
    ],
)
def test_inputs_that_a_model_cannot_read_are_refused(name: str, given: object, part: str, start: Start) -> None:
    found = start(name).client.post("/v1/classify", {"input": given})
    assert found.status == 400
    assert part in found.json["error"]["message"]


def test_a_model_is_asked_at_its_own_endpoint(start: Start) -> None:
    assert "use /v1/classify" in start("bert").client.post("/v1/completions", {"prompt": "x"}).text
    assert "use /v1/completions" in start("bloom").client.post("/v1/classify", {"input": "x"}).text


def test_models_and_health(start: Start) -> None:
    client = start("mlp").client
    assert [one["id"] for one in client.get("/v1/models").json["data"]] == ["mlp"]
    assert client.get("/v1/models/mlp").json["object"] == "model"
    assert client.get("/v1/models/other").status == 404
    assert client.get("/healthz").status == client.get("/readyz").status == 200


def test_errors_have_openais_shape_everywhere(start: Start) -> None:
    client = start("bloom").client
    answers = {
        400: client.post("/v1/completions", b"{"),
        404: client.post("/v1/chat/completions", {}),
        405: client.get("/v1/completions"),
    }
    for status, found in answers.items():
        assert found.status == status
        assert set(found.json["error"]) == {"message", "type", "param", "code"}


def test_bodies_that_are_too_large_are_refused_told_or_not(start: Start) -> None:
    running = start("bloom", max_body_bytes=1000)
    assert running.client.post("/v1/completions", {"prompt": "x" * 2000}).status == 413
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", running.client.port, timeout=30)
    pieces = (b'{"prompt": "' if number == 0 else b"x" * 100 for number in range(50))
    connection.request("POST", "/v1/completions", pieces, encode_chunked=True, headers={"transfer-encoding": "chunked"})
    assert connection.getresponse().status == 413
    connection.close()


def test_too_many_waiting_are_refused_with_429_and_when_to_come_again(start: Start) -> None:
    found = start("bloom", max_queue=2).client.post("/v1/completions", {"prompt": ["x"] * 3, "max_tokens": 1})
    assert found.status == 429
    assert found.headers["retry-after"] == "1"
    assert found.json["error"]["code"] == "overloaded"


def test_metrics_count_requests_and_tokens(start: Start) -> None:
    client = start("bloom").client
    client.complete("Hello", max_tokens=4, seed=1)
    client.post("/v1/completions", {})
    text = client.get("/metrics").text
    assert 'serve_requests_total{path="/v1/completions",status="200"} 1.0' in text
    assert 'serve_requests_total{path="/v1/completions",status="400"} 1.0' in text
    assert "serve_prompt_tokens_total 5.0" in text


def test_feedback_is_kept_by_what_was_asked_or_by_the_answers_id(start: Start, tmp_path: Path) -> None:
    store = open_store(tmp_path / "rated.jsonl")
    client = start("bloom", store).client
    answer = client.post("/v1/completions", {"prompt": "Hello", "max_tokens": 4, "seed": 1}).json
    assert client.post("/v1/feedback", {"id": answer["id"], "rating": "up"}).status == 200
    assert client.post("/v1/feedback", {"prompt": "2+2=", "answer": "5", "rating": 1, "correction": "4"}).status == 200
    first, second = store
    assert (first.prompt, first.answer, first.rating) == ("Hello", answer["choices"][0]["text"], 5)
    assert (second.correction, second.model) == ("4", "bloom")
    refused = client.post("/v1/feedback", {"prompt": "x", "rating": 9})
    assert refused.status == 400
    assert "answer: is missing" in refused.json["error"]["message"]


def test_without_a_store_feedback_is_refused(start: Start) -> None:
    found = start("bloom").client.post("/v1/feedback", {"prompt": "x", "answer": "y", "rating": 1})
    assert found.status == 404
    assert found.json["error"]["code"] == "no_feedback"


def test_feedback_that_cannot_be_written_is_told(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client = start("bloom", open_store(tmp_path / "file" / "rated.jsonl")).client
    found = client.post("/v1/feedback", json.loads('{"prompt": "x", "answer": "y", "rating": 1}'))
    assert found.status == 503
