"""The fused loss is the plain one, in value and gradient, whatever the chunks, and holds no whole logits."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.models.cross_entropy import (
    _loss_and_gradient,
    _loss_and_gradient_in_place,
    fused_cross_entropy,
)
from training.models.output import IGNORE

TOKENS, WIDTH, VOCABULARY = 37, 16, 101


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    hidden = torch.randn(TOKENS, WIDTH, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, requires_grad=True)
    labels = torch.randint(0, VOCABULARY, (TOKENS,))
    labels[::5] = IGNORE
    return hidden, weight, labels


@pytest.mark.parametrize("chunk", [1, 8, 37, 64])
def test_value_and_gradients_are_those_of_plain_cross_entropy(chunk: int) -> None:
    hidden, weight, labels = inputs()
    plain = functional.cross_entropy(hidden @ weight.T, labels, ignore_index=IGNORE)
    expected = torch.autograd.grad(plain, (hidden, weight))
    fused = fused_cross_entropy(hidden, weight, labels, chunk)
    # A factor, as gradient accumulation and loss scaling put one.
    found = torch.autograd.grad(fused * 3.0, (hidden, weight))
    assert fused.item() == pytest.approx(plain.item(), rel=1e-6)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, 3.0 * theirs)


def test_the_gradient_is_right_by_finite_differences() -> None:
    hidden, weight, labels = (one.double() if one.is_floating_point() else one for one in inputs())
    weight.requires_grad_()

    def loss(hidden: torch.Tensor) -> torch.Tensor:
        logits = hidden @ weight.T
        return functional.cross_entropy(logits, labels, ignore_index=IGNORE)

    point = hidden.detach().requires_grad_()
    (expected,) = torch.autograd.grad(loss(point), point)
    (found,) = torch.autograd.grad(fused_cross_entropy(point.float(), weight.float(), labels, 8), point)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_what_is_compiled_for_accelerators_computes_the_same() -> None:
    _, _, labels = inputs()
    logits = torch.randn(TOKENS, VOCABULARY)
    for ours, theirs in zip(
        _loss_and_gradient(logits, labels), _loss_and_gradient_in_place(logits, labels), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_no_label_that_counts_gives_zero_and_no_gradient() -> None:
    hidden, weight, labels = inputs()
    loss = fused_cross_entropy(hidden, weight, torch.full_like(labels, IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert hidden.grad is not None
    assert not hidden.grad.any()


def test_half_precision_products_stay_near_the_exact_loss() -> None:
    hidden, weight, labels = inputs()
    exact = fused_cross_entropy(hidden, weight, labels).item()
    with torch.autocast("cpu", torch.bfloat16):
        loss = fused_cross_entropy(hidden, weight, labels, 8)
    loss.backward()
    assert loss.dtype is torch.float32
    assert loss.item() == pytest.approx(exact, rel=1e-2)
    assert weight.grad is not None
    assert weight.grad.dtype is torch.float32


@pytest.mark.parametrize("gain", [0.0, 1.9])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_the_gradients_of_many_tokens(gain: float, dtype: torch.dtype) -> None:
    """The mean over 32,768 tokens makes each one's share small; the scale of the loss must reach it before rounding.

    `gain` above 0: a trained model, which is sure of most tokens.
    """
    tokens, vocabulary, scale = 32_768, 512, 65_536.0
    table = torch.randn(vocabulary, 64) * 0.3
    labels = torch.randint(0, vocabulary, (tokens,))
    states = torch.randn(tokens, 64) * 0.1 + gain * table[labels]

    def gradients(kind: torch.dtype) -> tuple[torch.Tensor, ...]:
        hidden, weight = states.clone().requires_grad_(), table.clone().requires_grad_()
        with torch.autocast("cpu", kind, enabled=kind is not torch.float32):
            loss = fused_cross_entropy(hidden, weight, labels, 4096)
        return tuple(one / scale for one in torch.autograd.grad(loss * scale, (hidden, weight)))

    for found, exact in zip(gradients(dtype), gradients(torch.float32), strict=True):
        assert found.isfinite().all()
        assert (found - exact).norm() < (0.005 if dtype is torch.float16 else 0.03) * exact.norm()


def test_logits_of_all_tokens_are_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            for one in result if isinstance(result, tuple | list) else (result,):
                if isinstance(one, torch.Tensor):
                    largest = max(largest, one.numel())
            return result

    hidden, weight = torch.randn(512, 8, requires_grad=True), torch.randn(1000, 8, requires_grad=True)
    labels = torch.randint(0, 1000, (512,))
    with Watch():
        fused_cross_entropy(hidden, weight, labels, 16).backward()
    assert largest == 16 * 1000
