"""What holds for both decoders: nobody sees the future, the cache and recomputation change nothing."""

from __future__ import annotations

import pytest
import torch

from tests.training_torch.models.samples import assert_same, batch, gradients, tiny
from training.models.causal import CausalModel

NAMES = ("bloom", "gpt")


def decoder(name: str, **changes: object) -> CausalModel:
    """With weights large enough that attention matters."""
    model = tiny(name, initializer_range=0.2, **changes)
    assert isinstance(model, CausalModel)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_a_token_depends_on_no_later_one(name: str) -> None:
    model, tokens = decoder(name).eval(), batch(name)["input_ids"]
    changed = tokens.clone()
    changed[:, 10:] = (changed[:, 10:] + 1) % 512
    before, after = model.hidden(tokens), model.hidden(changed)
    torch.testing.assert_close(before[:, :10], after[:, :10])
    assert (before[:, 10:] - after[:, 10:]).abs().max() > 0.1


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_token_by_token_with_a_cache_is_all_at_once(name: str) -> None:
    model, tokens = decoder(name).eval(), batch(name)["input_ids"]
    whole = model.hidden(tokens)
    cache = model.new_cache(len(tokens), 16)
    parts = [model.hidden(part, cache=cache) for part in tokens.split([5, 1, 1, 9], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-5, atol=1e-5)
    assert cache.length == cache.capacity == 16


@pytest.mark.parametrize("name", NAMES)
def test_positions_matter(name: str) -> None:
    model, tokens = decoder(name).eval(), batch(name)["input_ids"][:1]
    turned = torch.cat([tokens[:, 1:2], tokens[:, :1], tokens[:, 2:]], 1)
    assert (model.hidden(tokens)[:, -1] - model.hidden(turned)[:, -1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", [*NAMES, "bert"])
def test_recomputed_activations_give_the_same_gradients(name: str) -> None:
    found = []
    for checkpointing in (False, True):
        model = tiny(name, checkpointing=checkpointing)
        assert all(block.recompute is checkpointing for block in model.blocks())
        torch.manual_seed(3)  # dropout
        loss = model(batch(name)).loss
        assert loss is not None
        loss.backward()
        found.append({**gradients(model), "loss": loss.detach()})
    assert_same(*found, tolerance=1e-6)


@pytest.mark.parametrize("name", [*NAMES, "bert"])
def test_one_block_alone_can_be_recomputed(name: str) -> None:
    model = tiny(name)
    model.blocks()[1].recompute = True  # type: ignore[assignment]
    calls = []
    model.blocks()[0].register_forward_pre_hook(lambda *_: calls.append(0))
    model.blocks()[1].register_forward_pre_hook(lambda *_: calls.append(1))
    loss = model(batch(name)).loss
    assert loss is not None
    loss.backward()
    assert (calls.count(0), calls.count(1)) == (1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_block_computes_the_same(name: str) -> None:
    model = decoder(name)
    expected = model(batch(name)).loss
    for block in model.blocks():
        block.compile(backend="aot_eager")
    torch.testing.assert_close(model(batch(name)).loss, expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_split_over_ranks_covers_every_matrix_of_a_block(name: str) -> None:
    import fnmatch

    model = tiny(name)
    plan = model.tensor_parallel_plan()
    matrices = [n for n, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    assert matrices
    for matrix in matrices:
        assert [pattern for pattern in plan if fnmatch.fnmatch(matrix, pattern)], matrix
