"""Our BLOOM is Hugging Face's: the same logits, loss and gradients from the same weights."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from transformers import BloomConfig, BloomForCausalLM

from tests.training_torch.models.samples import assert_same, gradients
from training.errors import BadInput
from training.models import bloom, build
from training.models.bloom import alibi_slopes
from training.models.interface import Model
from training.models.layouts import layout

SIZES = {"vocab_size": 300, "hidden_size": 48, "layers": 3}


def pair(heads: int = 4, **changes: object) -> tuple[Model, BloomForCausalLM]:
    """Ours and theirs with the same weights."""
    torch.manual_seed(0)
    theirs = BloomForCausalLM(
        BloomConfig(
            vocab_size=300, hidden_size=48, n_layer=3, n_head=heads, hidden_dropout=0.0, attention_dropout=0.0,
            initializer_range=0.2,
        )
    ).eval()  # fmt: skip
    # Norms and biases as they are after training, not ones and zeros.
    for name, weight in theirs.named_parameters():
        if "layernorm" in name or "ln_f" in name or name.endswith("bias"):
            torch.nn.init.normal_(weight, mean=1.0 if name.endswith("weight") else 0.0, std=0.2)
    ours = build("bloom", {**SIZES, "heads": heads, **changes})
    state = theirs.state_dict()
    ours.load_state_dict({name: state[layout("bloom").on_disk(name)] for name in ours.state_dict()})
    return ours, theirs


@pytest.mark.parametrize("heads", [4, 6])
def test_logits_are_those_of_transformers(heads: int) -> None:
    ours, theirs = pair(heads)
    tokens = torch.randint(0, 300, (2, 21))
    found, expected = ours({"input_ids": tokens}).logits, theirs(tokens).logits
    assert found is not None
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_loss_and_gradients_are_those_of_transformers() -> None:
    ours, theirs = pair()
    tokens = torch.randint(0, 300, (2, 22))
    expected = theirs(tokens, labels=tokens).loss
    expected.backward()
    found = ours({"input_ids": tokens[:, :-1], "labels": tokens[:, 1:]}).loss
    assert found is not None
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    on_disk = layout("bloom").on_disk
    mine = {on_disk(name): gradient for name, gradient in gradients(ours).items()}
    assert_same(mine, gradients(theirs))


def test_padding_on_the_left_changes_nothing_for_the_text_after_it() -> None:
    ours, _ = pair()
    text = torch.randint(1, 300, (1, 9))
    padded = functional.pad(text, (4, 0))
    mask = functional.pad(torch.ones_like(text), (4, 0))
    alone = ours({"input_ids": text}).logits
    beside = ours({"input_ids": padded, "attention_mask": mask}).logits
    assert alone is not None
    assert beside is not None
    torch.testing.assert_close(beside[:, 4:], alone, rtol=1e-5, atol=1e-5)
    assert beside.isfinite().all()


@torch.no_grad()
def test_attention_without_a_bias_in_memory_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """FlexAttention's own arithmetic, not compiled: what CUDA runs as one kernel. It has no backward pass on CPUs."""
    from torch.nn.attention.flex_attention import flex_attention

    monkeypatch.setattr(bloom, "_compiled_flex", lambda: flex_attention)
    tokens = {"input_ids": torch.randint(0, 300, (2, 16))}
    (ours, _), (flex, _) = pair(), pair(attention="flex")
    torch.testing.assert_close(flex(tokens).logits, ours(tokens).logits, rtol=1e-5, atol=1e-5)


def test_slopes_are_those_of_the_paper() -> None:
    assert alibi_slopes(8).tolist() == [2.0**-n for n in range(1, 9)]
    assert alibi_slopes(16)[1].item() == 0.5
    # Between powers of two: every second one of the next.
    assert alibi_slopes(12)[8:].tolist() == pytest.approx([2.0 ** -(n + 0.5) for n in range(4)])


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(BadInput, match="heads 5 must divide hidden_size 48"):
        build("bloom", {**SIZES, "heads": 5})
