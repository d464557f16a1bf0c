"""`/v1/completions`: from a checked request to sequences in a batch, and from their tokens to OpenAI's answers."""

from __future__ import annotations

# pyright: reportMissingImports=false
import asyncio
import json
import secrets
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from training.models.generation import Sampling
from training.serve.batching import Batcher
from training.serve.engine import Engine
from training.serve.metrics import Metrics
from training.serve.requests import FAULT, ApiError, Completion
from training.serve.sequences import Continuation
from training.serve.text import TextSoFar

Piece = tuple[int, str, str | None]
"""Choice, new text, and at its end why it ended."""


@dataclass
class _Choice:
    """One sequence as the event loop sees it."""

    text: TextSoFar
    prompt_tokens: int
    reason: str | None = None


class Answer:
    """The choices of one request while they are made. Belongs to the event loop that made it."""

    def __init__(self, request: Completion, engine: Engine, metrics: Metrics) -> None:
        """Raises ApiError 400 when a prompt is too long."""
        self.id, self.created = f"cmpl-{uuid.uuid4().hex}", int(time.time())
        self._engine, self._metrics, self._request = engine, metrics, request
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Piece | BaseException] = asyncio.Queue()
        self._gone = threading.Event()
        self.choices: list[_Choice] = []
        seed = request.seed if request.seed is not None else secrets.randbits(62)
        self.work = [
            self._continuation(prompt, seed + number)
            for prompt in request.prompts
            # Every prompt starts at the same seed: its answer does not depend on the prompts beside it.
            for number in range(request.n)
        ]

    def start(self, batcher: Batcher[Continuation]) -> None:
        """Raises ApiError 429."""
        batcher.put(self.work)

    def abandon(self) -> None:
        """Nobody waits any more: its sequences end at the next token."""
        self._gone.set()

    async def pieces(self) -> AsyncIterator[Piece]:
        """Text as it is made, until every choice has ended. Raises ApiError 500 when the batch failed."""
        open_choices = len(self.choices)
        while open_choices:
            found = await self._pieces.get()
            if isinstance(found, BaseException):
                raise ApiError(500, f"the model failed: {type(found).__name__}", kind=FAULT) from found
            open_choices -= found[2] is not None
            yield found
        self._metrics.prompt_tokens.inc(sum(one.prompt_tokens for one in self.choices))
        self._metrics.generated_tokens.inc(sum(one.text.tokens for one in self.choices))

    async def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed."""
        async for _ in self.pieces():
            pass
        choices = [self._as_choice(number, one.text.text, one.reason) for number, one in enumerate(self.choices)]
        prompt, made = (sum(one.prompt_tokens for one in self.choices), sum(one.text.tokens for one in self.choices))
        usage = {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
        return {**self._head(), "choices": choices, "usage": usage}

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events."""
        try:
            async for number, text, reason in self.pieces():
                if text or reason:
                    yield _event({**self._head(), "choices": [self._as_choice(number, text, reason)]})
            yield "data: [DONE]\n\n"
        except ApiError as problem:
            yield _event(problem.body())
        finally:
            self.abandon()

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "text_completion", "created": self.created, "model": self._engine.name}

    @staticmethod
    def _as_choice(number: int, text: str, reason: str | None) -> dict[str, Any]:
        return {"text": text, "index": number, "logprobs": None, "finish_reason": reason}

    def _continuation(self, prompt: str | tuple[int, ...], seed: int) -> Continuation:
        ids = self._engine.encode(prompt)
        wanted, context = len(ids) + self._request.max_tokens, self._engine.context
        if wanted > context:
            message = (
                f"this model's context is {context} tokens, but {wanted} were asked for "
                f"({len(ids)} in the prompt, {self._request.max_tokens} for the answer); shorten one of them"
            )
            raise ApiError(400, message, "max_tokens", code="context_length_exceeded")
        tokenizer, number = self._engine.tokenizer, len(self.choices)
        assert tokenizer
        choice = _Choice(TextSoFar(tokenizer.decode, self._request.stop), len(ids))
        self.choices.append(choice)

        def push(token: int) -> bool:
            text = choice.text.push(token)
            if text:
                self._tell((number, text, None))
            return choice.text.stopped

        def finish(reason: str) -> None:
            choice.reason = reason
            self._tell((number, choice.text.finish(), reason))

        sampling = Sampling(self._request.temperature, self._request.top_p)
        return Continuation(ids, self._request.max_tokens, sampling, seed, push, finish, self._tell, self._gone)

    def _tell(self, piece: Piece | BaseException) -> None:
        """From the batch's thread."""
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
