"""Floating-point operations of training the models of this package, from their configuration. Imports no PyTorch.

The rules are those of `training.flops`: six operations a weight and token or pixel that it meets, attention counted
causal or full. The encoder's attention looks both ways and is always counted full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.errors import BadInput
from training.flops import OPERATIONS, Accounting, Architecture, flops_per_token

LOOKS_BACK, LOOKS_BOTH_WAYS = frozenset({"bloom", "gpt"}), frozenset({"bert"})
"""Models with attention, by what a token sees."""


def rule(name: str, accounting: Accounting = Accounting.CAUSAL) -> str:
    """How `per_token` counts a model's attention: "causal", "full" or "no attention"."""
    if name in LOOKS_BACK:
        return str(accounting)
    return str(Accounting.FULL) if name in LOOKS_BOTH_WAYS else "no attention"


def per_token(
    name: str, config: Mapping[str, Any], sequence_length: int, accounting: Accounting = Accounting.CAUSAL
) -> float:
    """Of one training step per token, of a text model. `config` has all fields (`dataclasses.asdict(model.config)`).

    Raises BadInput for a model that does not read tokens.
    """
    c = config
    if name in LOOKS_BACK:
        gated = name == "gpt"
        ffn = c["ffn_size"] if gated else 4 * c["hidden_size"]
        arch = _plain(c, ffn, c["vocab_size"], gated)
        return flops_per_token(arch, sequence_length, accounting)
    if name in LOOKS_BOTH_WAYS:
        return flops_per_token(_plain(c, c["ffn_size"], 0, gated=False), sequence_length, Accounting.FULL)
    if name == "bilstm":
        lstm = 2 * 4 * c["hidden_size"] * (c["embedding_size"] + c["hidden_size"])
        dense = 2 * c["hidden_size"] * c["dense_size"] + c["dense_size"]
        return OPERATIONS * (lstm + dense / sequence_length)
    raise BadInput(f"model {name} reads no tokens; ask for its operations per sample")


def per_sample(name: str, config: Mapping[str, Any], length: int, accounting: Accounting = Accounting.CAUSAL) -> float:
    """Of one training step per sample: a text of `length` tokens, an image with sides of `length` pixels."""
    if name == "mlp":
        return OPERATIONS * (config["inputs"] + config["classes"]) * config["hidden_size"]
    if name == "resnet":
        return OPERATIONS * _resnet(config, length)
    return length * per_token(name, config, length, accounting)


def _plain(c: Mapping[str, Any], ffn: int, vocabulary: int, gated: bool) -> Architecture:
    d, heads = c["hidden_size"], c["heads"]
    return Architecture(c["layers"], d, heads, heads, d // heads, ffn, vocabulary, gated)


def _resnet(c: Mapping[str, Any], side: int) -> int:
    """Multiply-adds of the forward pass of one image."""
    inputs, side = c["widths"][0], -(-side // 2)
    total = 3 * inputs * 7**2 * side**2
    side = -(-side // 2)
    for stage, (width, blocks) in enumerate(zip(c["widths"], c["blocks"], strict=True)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            side = -(-side // stride)
            shortcut = inputs * width if stride != 1 or inputs != width else 0
            total += (9 * inputs * width + 9 * width * width + shortcut) * side**2
            inputs = width
    return total + inputs * c["classes"]
