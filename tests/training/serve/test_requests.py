"""What clients may ask."""

from __future__ import annotations

from typing import Any

import pytest

from training.serve.requests import ApiError, Completion, classification, completion


def asked(body: Any) -> Completion:
    return completion(body, model="m", most_tokens=100, most_sequences=8)


def test_a_prompt_alone_has_the_defaults_of_openai() -> None:
    assert asked({"model": "m", "prompt": "x"}) == Completion(("x",), 16, 1.0, 1.0, 1, (), None, False)


def test_prompts_are_texts_or_tokens_one_or_many() -> None:
    assert asked({"prompt": ["a", "b"]}).prompts == ("a", "b")
    assert asked({"prompt": [1, 2]}).prompts == ((1, 2),)
    assert asked({"prompt": [[1, 2], [3]]}).prompts == ((1, 2), (3,))


def test_parameters_that_ask_for_nothing_are_taken() -> None:
    neutral = {"best_of": 1, "echo": False, "logprobs": None, "presence_penalty": 0, "logit_bias": {}, "user": "me"}
    assert asked({"prompt": "x", **neutral}).prompts == ("x",)


@pytest.mark.parametrize(
    ("body", "param", "part"),
    [
        ([], None, "must be a JSON object"),
        ({}, "prompt", "prompt must be"),
        ({"prompt": []}, "prompt", "prompt must be"),
        ({"prompt": ["a", 1]}, "prompt", "prompt must be"),
        ({"prompt": [[1], []]}, "prompt", "prompt must be"),
        ({"prompt": "x", "max_tokens": 101}, "max_tokens", "101 is not a whole number from 0 to 100"),
        ({"prompt": "x", "max_tokens": True}, "max_tokens", "True is not"),
        ({"prompt": "x", "max_tokens": 1.5}, "max_tokens", "1.5 is not a whole number"),
        ({"prompt": "x", "temperature": float("nan")}, "temperature", "nan is not a number"),
        ({"prompt": "x", "temperature": -1}, "temperature", "-1 is not a number from 0 to 2"),
        ({"prompt": "x", "top_p": 0}, "top_p", "must be above 0"),
        ({"prompt": "x", "stop": [""]}, "stop", "none of them empty"),
        ({"prompt": "x", "stop": list("abcde")}, "stop", "at most 4"),
        ({"prompt": "x", "stream": "yes"}, "stream", "'yes' is not true or false"),
        ({"prompt": "x", "seed": "1"}, "seed", "'1' is not a whole number"),
        ({"prompt": ["x"] * 3, "n": 3}, "prompt", "3 prompts x n 3 = 9; at most 8"),
        ({"prompt": "x", "logprobs": 5}, "logprobs", "not supported"),
        ({"prompt": "x", "max_token": 5}, "max_token", "max_token is not known"),
    ],
)
def test_what_cannot_be_is_refused_with_the_parameter(body: Any, param: str | None, part: str) -> None:
    with pytest.raises(ApiError) as caught:
        asked(body)
    assert caught.value.status == 400
    error = caught.value.body()["error"]
    assert error["param"] == param
    assert part in error["message"]
    assert error["type"] == "invalid_request_error"


def test_another_model_is_not_found() -> None:
    with pytest.raises(ApiError) as caught:
        asked({"prompt": "x", "model": "n"})
    assert caught.value.status == 404
    assert caught.value.body()["error"]["code"] == "model_not_found"


def test_inputs_to_classify_are_one_or_many() -> None:
    assert classification({"input": "x"}, model="m", most_inputs=2) == ["x"]
    assert classification({"input": [1, 2, 3]}, model="m", most_inputs=2) == [[1, 2, 3]]
    assert classification({"input": ["x", "y"]}, model="m", most_inputs=2) == ["x", "y"]
    for body in ({"input": []}, {"input": 3}, {}, {"input": ["x"] * 3}):
        with pytest.raises(ApiError, match="input"):
            classification(body, model="m", most_inputs=2)
