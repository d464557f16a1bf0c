"""The HTTP interface: routes, limits, errors in OpenAI's shape, metrics, refusal while draining."""

from __future__ import annotations

# pyright: reportMissingImports=false
import asyncio
import contextlib
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from training.errors import BadInput, TrainingError
from training.feedback import Store
from training.feedback.rated import parse
from training.serve import requests
from training.serve.batching import Batcher
from training.serve.completions import Answer
from training.serve.engine import Classification, Engine
from training.serve.metrics import Metrics
from training.serve.requests import FAULT, UNAVAILABLE, ApiError
from training.serve.sequences import extend
from training.serve.settings import Settings

Handler = Callable[[Request], Awaitable[Response]]
REMEMBERED = 1000
"""Answers that can be rated by their id alone."""


class Service:
    """One model behind HTTP: `app` is what a server runs."""

    def __init__(self, engine: Engine, settings: Settings, feedback: Store | None = None) -> None:
        self.engine, self.settings, self._feedback = engine, settings, feedback
        self.metrics = Metrics(engine.name, lambda: self.batcher.waiting)
        self.batcher: Batcher[Any] = Batcher(
            self._run,
            most=settings.max_batch,
            wait_s=settings.max_wait_ms / 1e3,
            queue=settings.max_queue,
            observed=self.metrics.batch.observe,
        )
        self.draining = False
        self.in_flight = 0
        self.idle = asyncio.Event()
        self._created = int(time.time())
        self._answers: OrderedDict[str, tuple[str, str]] = OrderedDict()
        post = {"/v1/completions": self._completions, "/v1/classify": self._classify, "/v1/feedback": self._rate}
        get = {
            "/v1/models": self._models, "/v1/models/{model:path}": self._model,
            "/healthz": self._healthy, "/readyz": self._ready, "/metrics": self._measured,
        }  # fmt: skip
        routes = [Route(path, handler, methods=["POST"]) for path, handler in post.items()]
        routes += [Route(path, handler, methods=["GET"]) for path, handler in get.items()]
        handlers: Any = {ApiError: _answer_error, 404: _no_route, 405: _no_route, Exception: _fault}
        inner = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._lifespan)
        self.app: ASGIApp = _Gate(inner, self)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self.batcher.start()
        try:
            yield
        finally:
            await self.batcher.stop()

    def _run(self, batch: Sequence[Any]) -> None:
        """In the batch's thread."""
        if self.engine.kind == "tokens":
            assert self.engine.tokenizer
            extend(self.engine.model, batch, self.engine.tokenizer.end)  # type: ignore[arg-type]
        else:
            self.engine.classify(batch)

    async def _completions(self, request: Request) -> Response:
        if self.engine.kind != "tokens":
            raise ApiError(400, f"{self.engine.name} is a classifier: use /v1/classify", code="wrong_endpoint")
        asked = requests.completion(
            await self._body(request),
            model=self.engine.name,
            most_tokens=self.settings.max_tokens,
            most_sequences=self.settings.max_inputs,
        )
        answer = Answer(asked, self.engine, self.metrics)
        answer.start(self.batcher)
        if asked.stream:
            return StreamingResponse(
                answer.events(), media_type="text/event-stream", headers={"cache-control": "no-cache"}
            )
        try:
            body = await _while_connected(request, answer.whole())
        finally:
            answer.abandon()
        prompt = asked.prompts[0]
        if isinstance(prompt, str):
            self._remember(answer.id, prompt, body["choices"][0]["text"])
        return JSONResponse(body)

    async def _classify(self, request: Request) -> Response:
        if self.engine.kind == "tokens":
            raise ApiError(400, f"{self.engine.name} is a language model: use /v1/completions", code="wrong_endpoint")
        body = await self._body(request)
        inputs = requests.classification(body, model=self.engine.name, most_inputs=self.settings.max_inputs)
        payloads = await asyncio.to_thread(lambda: [self.engine.read(one) for one in inputs])
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[list[float]]] = [loop.create_future() for _ in payloads]

        def work(payload: Any, future: asyncio.Future[list[float]]) -> Classification:
            def tell(method: Callable[[Any], None], value: Any) -> None:
                loop.call_soon_threadsafe(lambda: None if future.done() else method(value))

            return Classification(
                payload, lambda found: tell(future.set_result, found), lambda one: tell(future.set_exception, one)
            )

        self.batcher.put([work(payload, future) for payload, future in zip(payloads, futures, strict=True)])
        found = await asyncio.gather(*futures)
        names = self.engine.classes
        data = [
            {"index": number, "label": names[one.index(max(one))], "probs": one, "num_classes": len(one)}
            for number, one in enumerate(found)
        ]
        tokens = sum(len(one) for one in payloads) if self.engine.kind == "texts" else 0
        self.metrics.prompt_tokens.inc(tokens)
        identity = f"classify-{uuid.uuid4().hex}"
        if isinstance(inputs[0], str) and self.engine.kind == "texts":
            self._remember(identity, inputs[0], data[0]["label"])
        head = {"id": identity, "object": "list", "created": int(time.time()), "model": self.engine.name}
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
        return JSONResponse({**head, "data": data, "usage": usage})

    async def _rate(self, request: Request) -> Response:
        if self._feedback is None:
            raise ApiError(404, "this server keeps no feedback; start it with --feedback FILE", code="no_feedback")
        body = await self._body(request)
        if isinstance(body, dict) and "prompt" not in body and body.get("id") in self._answers:
            prompt, answer = self._answers[body["id"]]
            body = {**body, "prompt": prompt, "answer": answer}
        try:
            rated = parse(body, model=self.engine.name)
        except BadInput as problem:
            raise ApiError(400, "; ".join(problem.problems)) from None
        try:
            await asyncio.to_thread(self._feedback.add, rated)
        except TrainingError as problem:
            raise ApiError(503, "; ".join(problem.problems), kind=UNAVAILABLE) from None
        return JSONResponse({"id": rated.id, "object": "feedback", "time": rated.time})

    async def _models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._described()]})

    async def _model(self, request: Request) -> Response:
        if request.path_params["model"] != self.engine.name:
            raise ApiError(404, f"the model does not exist; this server has {self.engine.name!r}", "model")
        return JSONResponse(self._described())

    def _described(self) -> dict[str, Any]:
        return {"id": self.engine.name, "object": "model", "created": self._created, "owned_by": "local"}

    async def _healthy(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _ready(self, _: Request) -> Response:
        status = "draining" if self.draining else "ready"
        return JSONResponse({"status": status, "waiting": self.batcher.waiting}, 503 if self.draining else 200)

    async def _measured(self, _: Request) -> Response:
        body, kind = self.metrics.text()
        return Response(body, headers={"content-type": kind})

    async def _body(self, request: Request) -> Any:
        """The JSON of a request of bounded size. Raises ApiError 400 or 413."""
        most, size, parts = self.settings.max_body_bytes, 0, []
        message = f"the body has more than {most} bytes"
        told = request.headers.get("content-length", "")
        if told.isdigit() and int(told) > most:
            raise ApiError(413, message)
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise ApiError(413, message)
            parts.append(part)
        try:
            return json.loads(b"".join(parts))
        except (ValueError, RecursionError):
            raise ApiError(400, "the body is no JSON") from None

    def _remember(self, identity: str, prompt: str, answer: str) -> None:
        self._answers[identity] = (prompt, answer)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)


class _Gate:
    """Counts requests in work to their last byte, and refuses new ones while the server drains."""

    def __init__(self, inner: ASGIApp, service: Service) -> None:
        self._inner, self._service = inner, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._inner(scope, receive, send)
            return
        service, begin, status = self._service, time.perf_counter(), 500
        path = scope["path"] if scope["path"] in {"/v1/completions", "/v1/classify", "/v1/feedback"} else "other"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        service.in_flight += 1
        service.metrics.in_flight.set(service.in_flight)
        try:
            if service.draining:
                problem = ApiError(503, "the server is shutting down; ask another one", kind=UNAVAILABLE)
                await _refusal(problem)(scope, receive, watched)
            else:
                await self._inner(scope, receive, watched)
        finally:
            service.in_flight -= 1
            service.metrics.in_flight.set(service.in_flight)
            service.metrics.requests.labels(path, str(status)).inc()
            service.metrics.seconds.labels(path).observe(time.perf_counter() - begin)
            if service.in_flight == 0:
                service.idle.set()


async def _while_connected(request: Request, answer: Any) -> Any:
    """The answer; given up when the client goes away."""
    task = asyncio.ensure_future(answer)

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.ensure_future(gone())
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ApiError(499, "the client went away")
        return task.result()
    finally:
        task.cancel()
        watch.cancel()


def _refusal(problem: ApiError) -> JSONResponse:
    headers = {"retry-after": "1"} if problem.status in {429, 503} else None
    return JSONResponse(problem.body(), problem.status, headers)


async def _answer_error(_: Request, problem: ApiError) -> Response:
    return _refusal(problem)


async def _no_route(request: Request, problem: Any) -> Response:
    return _refusal(ApiError(problem.status_code, f"{request.method} {request.url.path}: there is no such endpoint"))


async def _fault(_: Request, problem: Exception) -> Response:
    return _refusal(ApiError(500, f"a fault in the server: {type(problem).__name__}", kind=FAULT))
