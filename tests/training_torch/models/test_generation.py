"""Text token by token: the likeliest is that of the model, chance is repeatable, texts of a batch do not mix."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tests.training_torch.models.samples import batch, tiny
from training.models.causal import CausalModel
from training.models.generation import Sampling, choose, generate

NAMES = ("bloom", "gpt")


def decoder(name: str) -> CausalModel:
    model = tiny(name, initializer_range=0.2)
    assert isinstance(model, CausalModel)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_without_chance_each_token_is_the_likeliest(name: str) -> None:
    model, prompt = decoder(name), batch(name, 2, 6)["input_ids"]
    texts = generate(model, prompt, 5, temperature=0)
    assert texts.shape == (2, 11)
    logits = model({"input_ids": texts[:, :-1]}).logits
    assert logits is not None
    assert torch.equal(texts[:, 6:], logits.argmax(-1)[:, 5:])
    assert model.training


def test_the_same_seed_gives_the_same_text() -> None:
    model, prompt = decoder("bloom"), batch("bloom", 2, 6)["input_ids"]
    one, again, other = (generate(model, prompt, 12, 1.0, 0.9, seed) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_a_shorter_text_of_a_batch_goes_on_as_it_does_alone(name: str) -> None:
    model, prompt = decoder(name), batch(name, 1, 6)["input_ids"]
    alone = generate(model, prompt, 5, temperature=0)
    longer = batch(name, 2, 10)["input_ids"][1:]
    both = torch.cat([functional.pad(prompt, (4, 0)), longer])
    mask = torch.cat([functional.pad(torch.ones_like(prompt), (4, 0)), torch.ones_like(longer)])
    texts = generate(model, both, 5, temperature=0, attention_mask=mask)
    assert torch.equal(texts[0, 4:], alone[0])


def test_a_text_stops_at_its_end() -> None:
    model, prompt = decoder("gpt"), batch("gpt", 1, 6)["input_ids"]
    free = generate(model, prompt, 8, temperature=0)
    end = int(free[0, 8])
    stopped = generate(model, prompt, 8, temperature=0, end=end)
    first = int((free[0, 6:] == end).nonzero()[0]) + 6
    assert torch.equal(stopped, free[:, : first + 1])


def test_nothing_more_is_nothing_more() -> None:
    prompt = batch("gpt", 1, 6)["input_ids"]
    assert torch.equal(generate(decoder("gpt"), prompt, 0), prompt)


def test_top_p_leaves_out_the_unlikely() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().expand(4000, 4)
    chosen = choose(logits, Sampling(top_p=0.7), torch.Generator().manual_seed(0))
    share = torch.bincount(chosen, minlength=4) / 4000
    torch.testing.assert_close(share, torch.tensor([0.625, 0.375, 0.0, 0.0]), atol=0.03, rtol=0)


def test_temperature_sharpens() -> None:
    logits = torch.tensor([[1.0, 0.0]]).expand(4000, 2)
    chosen = choose(logits, Sampling(temperature=0.25), torch.Generator().manual_seed(0))
    assert (chosen == 0).float().mean().item() == pytest.approx(torch.sigmoid(torch.tensor(4.0)).item(), abs=0.02)
