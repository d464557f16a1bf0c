"""What holds for every model: sizes, fresh weights, loss, configuration."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tests.training_torch.models.samples import assert_same, batch, gradients, tiny
from training.errors import BadInput
from training.models import CONFIGS, build, size
from training.models.shares import initialise

PARAMETERS = {
    # As published: BLOOM's paper table 5; torchvision's resnet18; bert-base-uncased's encoder and a layer 768 to 2.
    ("bloom", "560m"): 559_214_592,
    ("resnet", "18"): 11_689_512,
    ("bert", "base"): 109_482_240 - 590_592 + 1_538,
    ("mlp", "base"): 784 * 128 + 128 + 128 * 10 + 10,
    # 32,000 x 128; two directions of four gates over 128 + 128 with two biases; 256 to 128; 128 to 1.
    ("bilstm", "base"): 4_096_000 + 2 * 4 * (128 * 256 + 2 * 128) + 256 * 128 + 128 + 129,
}


@pytest.mark.parametrize(("name", "which"), PARAMETERS)
def test_the_number_of_parameters_is_the_published_one(name: str, which: str) -> None:
    model = build(name, size(name, which), device="meta")
    assert sum(weight.numel() for weight in model.parameters()) == PARAMETERS[name, which]


def test_the_gpt_has_1_3_billion_parameters() -> None:
    model = build("gpt", size("gpt", "1.3b"), device="meta")
    assert 1.25e9 < sum(weight.numel() for weight in model.parameters()) < 1.35e9


@pytest.mark.parametrize("name", CONFIGS)
def test_the_loss_falls_when_one_batch_is_learned(name: str) -> None:
    model, one = tiny(name), batch(name)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = model(one).loss
        assert loss is not None
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = tiny(name)
    loss = model(batch(name)).loss
    assert loss is not None
    loss.backward()
    assert gradients(model).keys() == dict(model.named_parameters()).keys()


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_made_without_memory_has_the_same_fresh_weights(name: str) -> None:
    usual = tiny(name)
    without = build(name, size(name, "tiny"), device="meta")
    assert all(weight.is_meta for weight in without.parameters())
    torch.manual_seed(0)
    initialise(without, torch.device("cpu"))
    torch.manual_seed(0)
    usual.init_weights()
    assert_same(without.state_dict(), usual.state_dict(), 0)


@pytest.mark.parametrize("name", CONFIGS)
def test_without_labels_there_is_no_loss_and_there_are_logits(name: str) -> None:
    inputs = {key: value for key, value in batch(name).items() if key != "labels"}
    output = tiny(name)(inputs)
    assert output.loss is None
    assert output.logits is not None


def test_texts_are_padded_on_the_right_without_effect_on_the_bilstm() -> None:
    model, tokens = tiny("bilstm").eval(), batch("bilstm")["input_ids"]
    torch.testing.assert_close(
        model({"input_ids": functional.pad(tokens, (0, 7))}).logits, model({"input_ids": tokens}).logits
    )


def test_the_bilstm_learns_binary_cross_entropy() -> None:
    output, labels = tiny("bilstm")(batch("bilstm")), batch("bilstm")["labels"]
    assert output.logits is not None
    probability = torch.sigmoid(output.logits)
    expected = functional.binary_cross_entropy(probability, labels.float())
    torch.testing.assert_close(output.loss, expected)


def test_an_unknown_model_size_or_key_names_what_there_is() -> None:
    with pytest.raises(BadInput, match="model llama: there is no such model; give one of bloom, gpt"):
        build("llama", {})
    with pytest.raises(BadInput, match="model bloom 7b: there is no such size; give one of bloom 560m"):
        size("bloom", "7b")
    with pytest.raises(BadInput) as error:
        build("mlp", {"width": 3, "depth": 2})
    assert [line.split(";")[0] for line in error.value.problems] == [
        "model mlp: there is no key width", "model mlp: there is no key depth",
    ]  # fmt: skip
