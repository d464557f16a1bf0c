"""What clients may ask: bodies of requests, checked. Pure.

Errors have OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`
(platform.openai.com/docs/api-reference/completions, platform.openai.com/docs/guides/error-codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INVALID, UNAVAILABLE, BUSY, FAULT = "invalid_request_error", "unavailable_error", "rate_limit_error", "server_error"
IGNORED = ("user", "stream_options", "metadata")
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "best_of": (None, 1),
    "echo": (None, False),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "logprobs": (None,),
    "presence_penalty": (None, 0),
    "suffix": (None, ""),
}
"""Parameters of OpenAI's interface that are not implemented here, and the values that ask for nothing."""
MOST_STOPS = 4


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self, status: int, message: str, param: str | None = None, kind: str = INVALID, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.kind, self.code = status, message, param, kind, code

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class Completion:
    """A checked request for text."""

    prompts: tuple[str | tuple[int, ...], ...]
    """Texts, or token ids."""
    max_tokens: int
    temperature: float
    top_p: float
    n: int
    stop: tuple[str, ...]
    seed: int | None
    stream: bool


def completion(body: Any, *, model: str, most_tokens: int, most_sequences: int) -> Completion:
    """Raises ApiError 400 or 404."""
    given = _checked(body, model, {"prompt", "max_tokens", "temperature", "top_p", "n", "stop", "seed", "stream"})
    for key, allowed in NEUTRAL.items():
        if key in given and given[key] not in allowed:
            raise ApiError(400, f"{key} is not supported by this server; leave it out", key)
    found = Completion(
        prompts=_prompts(given.get("prompt")),
        max_tokens=int(_number(given, "max_tokens", 16, 0, most_tokens, whole=True)),
        temperature=_number(given, "temperature", 1.0, 0, 2),
        top_p=_number(given, "top_p", 1.0, 0, 1),
        n=int(_number(given, "n", 1, 1, most_sequences, whole=True)),
        stop=_stops(given.get("stop")),
        seed=None if given.get("seed") is None else int(_number(given, "seed", 0, -(2**63), 2**63 - 1, whole=True)),
        stream=_flag(given, "stream"),
    )
    if found.top_p == 0:
        raise ApiError(400, "top_p must be above 0; for the likeliest token give temperature 0", "top_p")
    if len(found.prompts) * found.n > most_sequences:
        count = len(found.prompts) * found.n
        raise ApiError(400, f"{len(found.prompts)} prompts x n {found.n} = {count}; at most {most_sequences}", "prompt")
    return found


def classification(body: Any, *, model: str, most_inputs: int) -> list[Any]:
    """The inputs: texts, lists of token ids, or images as they came. Raises ApiError 400 or 404."""
    given = _checked(body, model, {"input"})
    inputs = given.get("input")
    if isinstance(inputs, str) or (isinstance(inputs, list) and inputs and _is_id(inputs[0])):
        inputs = [inputs]
    if not isinstance(inputs, list) or not inputs:
        raise ApiError(400, "input must be a text, an image in base64, or a list of them", "input")
    if len(inputs) > most_inputs:
        raise ApiError(400, f"input has {len(inputs)} elements; at most {most_inputs}", "input")
    return inputs


def _checked(body: Any, model: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise ApiError(400, "the body must be a JSON object")
    unknown = sorted(set(body) - known - set(NEUTRAL) - set(IGNORED) - {"model"})
    if unknown:
        raise ApiError(400, f"{unknown[0]} is not known; known are model, {', '.join(sorted(known))}", unknown[0])
    wanted = body.get("model", model)
    if wanted != model:
        message = f"the model {wanted!r} does not exist; this server has {model!r}"
        raise ApiError(404, message, "model", code="model_not_found")
    return body


def _prompts(given: Any) -> tuple[str | tuple[int, ...], ...]:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, list) and given:
        if all(_is_id(one) for one in given):
            return (tuple(given),)
        if all(isinstance(one, str) for one in given):
            return tuple(given)
        if all(isinstance(one, list) and one and all(_is_id(token) for token in one) for one in given):
            return tuple(tuple(one) for one in given)
    raise ApiError(400, "prompt must be a text, a list of texts, or token ids", "prompt")


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _stops(given: Any) -> tuple[str, ...]:
    found = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else ()
    whole = given is None or isinstance(given, str | list)
    if not whole or len(found) > MOST_STOPS or not all(isinstance(one, str) and one for one in found):
        raise ApiError(400, f"stop must be a text or a list of at most {MOST_STOPS}, none of them empty", "stop")
    return found


def _number(
    given: Mapping[str, Any], key: str, default: float, least: float, most: float, *, whole: bool = False
) -> float:
    value = given.get(key)
    if value is None:
        return default
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right or not least <= value <= most:
        what = "a whole number" if whole else "a number"
        raise ApiError(400, f"{key}: {value!r} is not {what} from {least} to {most}", key)
    return value


def _flag(given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key)
    if value is not None and not isinstance(value, bool):
        raise ApiError(400, f"{key}: {value!r} is not true or false", key)
    return bool(value)
