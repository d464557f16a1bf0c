"""Our BERT is Hugging Face's: the same hidden states and gradients from the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel

from tests.training_torch.models.samples import assert_same, gradients
from training.models import build
from training.models.interface import Model
from training.models.layouts import layout


class Theirs(nn.Module):
    """Hugging Face's encoder and a linear layer on the first token."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel(
            BertConfig(
                vocab_size=200, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
                max_position_embeddings=40, initializer_range=0.2,
            ),
            add_pooling_layer=False,
        )  # fmt: skip
        self.classifier = nn.Linear(32, 3)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor, types: torch.Tensor | None) -> torch.Tensor:
        states = self.bert(tokens, attention_mask=mask, token_type_ids=types).last_hidden_state
        return self.classifier(states[:, 0])


@pytest.fixture
def pair() -> tuple[Model, Theirs]:
    theirs = Theirs().eval()
    sizes = {"vocab_size": 200, "hidden_size": 32, "layers": 2, "heads": 4, "ffn_size": 48, "max_positions": 40}
    ours = build("bert", {**sizes, "classes": 3}).eval()
    state = theirs.state_dict()
    ours.load_state_dict({name: state[layout("bert").on_disk(name)] for name in ours.state_dict()})
    return ours, theirs


@pytest.mark.parametrize("typed", [False, True])
def test_logits_and_gradients_are_those_of_transformers(typed: bool, pair: tuple[Model, Theirs]) -> None:
    ours, theirs = pair
    tokens, labels = torch.randint(0, 200, (3, 12)), torch.tensor([0, 2, 1])
    mask = (torch.arange(12)[None] < torch.tensor([12, 7, 3])[:, None]).long()
    types = torch.randint(0, 2, (3, 12)) if typed else None
    expected = theirs(tokens, mask, types)
    batch = {"input_ids": tokens, "attention_mask": mask, "labels": labels}
    found = ours({**batch, "token_type_ids": types} if types is not None else batch)
    assert found.logits is not None
    assert found.loss is not None
    torch.testing.assert_close(found.logits, expected, rtol=1e-5, atol=1e-5)
    functional.cross_entropy(expected, labels).backward()
    found.loss.backward()
    on_disk = layout("bert").on_disk
    assert_same({on_disk(name): gradient for name, gradient in gradients(ours).items()}, gradients(theirs))


def test_padding_changes_nothing(pair: tuple[Model, Theirs]) -> None:
    ours, _ = pair
    text = torch.randint(1, 200, (1, 9))
    padded = functional.pad(text, (0, 6))
    mask = functional.pad(torch.ones_like(text), (0, 6))
    torch.testing.assert_close(
        ours({"input_ids": padded, "attention_mask": mask}).logits, ours({"input_ids": text}).logits
    )
