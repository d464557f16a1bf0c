"""Floating-point operations of training, per token: of published architectures and of the models of this package.

Six operations a weight that a token meets in a matrix product (two forward, four backward; arXiv 2001.08361), and the
attention itself, by one of two rules of counting that differ by up to a factor of two in that part:

- causal: a token looks at half of the sequence on average, 6 x layers x s x width (NVIDIA's Megatron-Bridge);
- full: all of it is counted, computed or not, 12 x layers x s x width (PaLM, arXiv 2204.02311 appendix B; nanoGPT).

Norms, activations, softmax and the embedding's look-up are left out. Imports no PyTorch. `python -m training.flops
--table FILE.csv` prints our figures beside those of a table.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from training.errors import BadInput

ARCHITECTURES = Path(__file__).with_name("architectures.json")
OPERATIONS = 6
"""Per weight and token: multiply and add, forward once and backward twice."""


class Accounting(StrEnum):
    """How attention is counted; every figure must name it."""

    CAUSAL = "causal"
    FULL = "full"


@dataclass(frozen=True)
class Experts:
    """A mixture of experts instead of the dense feed-forward part."""

    count: int
    active: int
    """That one token meets."""
    size: int
    """Hidden units of one."""
    shared_size: int = 0
    """Hidden units that every token meets."""
    dense_layers: int = 0
    """First layers that have the dense part instead."""
    latent: int = 0
    """Width that routed experts work at, where it is not the hidden size; 0: it is."""
    layers: int | None = None
    """How many, where they do not come with an attention each (hybrid models)."""


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention (arXiv 2405.04434): keys and values through a narrow waist."""

    query_rank: int
    kv_rank: int
    rope: int
    """Width of the part of each query and key that carries positions, beside `head_size`."""


@dataclass(frozen=True)
class Window:
    """Layers in which a token looks at the last `tokens` only."""

    tokens: int
    layers: int


@dataclass(frozen=True)
class StateSpace:
    """Mamba-2 layers (arXiv 2405.21060) of a hybrid model."""

    layers: int
    inner: int
    heads: int
    groups: int
    state: int


@dataclass(frozen=True)
class Architecture:
    """The shape of a decoder, as far as it decides its work."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_size: int
    ffn: int
    vocabulary: int
    gated: bool = True
    """Three feed-forward matrices (SwiGLU) or two."""
    latent: Latent | None = None
    experts: Experts | None = None
    window: Window | None = None
    state_space: StateSpace | None = None
    prediction_modules: int = 0
    """More layers with a head each, that predict further tokens (DeepSeek-V3's MTP)."""


def attention_weights(arch: Architecture) -> int:
    """Weights of one attention layer."""
    d, heads, size = arch.hidden, arch.heads, arch.head_size
    if arch.latent is None:
        return 2 * d * heads * size + 2 * d * arch.kv_heads * size
    rank, waist, rope = arch.latent.query_rank, arch.latent.kv_rank, arch.latent.rope
    query = d * rank + rank * heads * (size + rope)
    key_value = d * (waist + rope) + waist * heads * 2 * size
    return query + key_value + heads * size * d


def feed_forward_weights(arch: Architecture) -> tuple[int, int]:
    """Weights that a token meets in one dense feed-forward part, and in one of experts (0 without)."""
    matrices = 3 if arch.gated else 2
    dense = matrices * arch.hidden * arch.ffn
    if (experts := arch.experts) is None:
        return dense, 0
    width = experts.latent or arch.hidden
    routed = matrices * width * experts.size * experts.active + (2 * arch.hidden * width if experts.latent else 0)
    return dense, routed + matrices * arch.hidden * experts.shared_size + arch.hidden * experts.count


def active_weights(arch: Architecture) -> int:
    """Weights in matrix products that one token meets: without the input embedding, with the head (also if tied)."""
    dense, mixed = feed_forward_weights(arch)
    attention, head = attention_weights(arch), arch.hidden * arch.vocabulary
    total = arch.layers * attention + head
    if (experts := arch.experts) is None:
        total += arch.layers * dense
    else:
        layers = arch.layers if experts.layers is None else experts.layers
        total += experts.dense_layers * dense + (layers - experts.dense_layers) * mixed
    if (space := arch.state_space) is not None:
        into = arch.hidden * (2 * space.inner + 2 * space.groups * space.state + space.heads)
        total += space.layers * (into + space.inner * arch.hidden)
    # Each has a projection of two hidden states into one, a layer and the head.
    total += arch.prediction_modules * (2 * arch.hidden**2 + attention + (mixed or dense) + head)
    return total


def attention_operations(arch: Architecture, sequence_length: int, accounting: Accounting) -> float:
    """Of the products with keys and values, per token, all layers."""
    width = arch.heads * (2 * arch.head_size + (arch.latent.rope if arch.latent else 0))
    seen = sequence_length / 2 if accounting is Accounting.CAUSAL else float(sequence_length)
    layers = arch.layers + arch.prediction_modules
    total = OPERATIONS * width * seen * layers
    if (window := arch.window) is not None and window.tokens < sequence_length:
        near = float(window.tokens)
        if accounting is Accounting.CAUSAL:
            near -= window.tokens**2 / (2 * sequence_length)
        total += OPERATIONS * width * (near - seen) * window.layers
    return total


def flops_per_token(arch: Architecture, sequence_length: int, accounting: Accounting = Accounting.CAUSAL) -> float:
    """Operations of one training step, forward and backward, per token."""
    total = OPERATIONS * active_weights(arch) + attention_operations(arch, sequence_length, accounting)
    if (space := arch.state_space) is not None:
        # The scan: seven operations a state, as Megatron-LM counts it, three times for the backward pass.
        total += 3 * 7 * space.inner * space.state * space.layers
    return total


def published(path: Path = ARCHITECTURES) -> dict[str, tuple[Architecture, str]]:
    """Architecture and note by the name that the table uses."""
    models: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["models"]
    found: dict[str, tuple[Architecture, str]] = {}
    for name, shape in models.items():
        fields = {key: value for key, value in shape.items() if key not in {"source", "note", "same_as"}}
        if "same_as" in shape:
            base, note = found[shape["same_as"]]
            found[name] = (replace(base, **fields), note)
            continue
        parts = {"latent": Latent, "experts": Experts, "window": Window, "state_space": StateSpace}
        fields |= {key: parts[key](**value) for key, value in fields.items() if key in parts}
        found[name] = (Architecture(**fields), shape.get("note", ""))
    return found


@dataclass(frozen=True)
class Row:
    """One line of a table: its figure, ours, and what is to be said."""

    model: str
    sequence_length: int
    theirs: float
    ours: float | None
    """None: the architecture is not known here."""
    note: str

    @property
    def difference(self) -> float | None:
        """Ours against theirs, as a fraction."""
        return None if self.ours is None else self.ours / self.theirs - 1


def compare(table: Path, accounting: Accounting = Accounting.CAUSAL) -> list[Row]:
    """Rows of a CSV with the columns model, seq_len, flops_per_token_median. Raises BadInput naming each bad line."""
    known = published()
    try:
        lines = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--table: {table} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    rows, problems = [], []
    for number, line in enumerate(lines, start=2):
        try:
            model, length = line["model"], int(line["seq_len"])
            theirs = float(line["flops_per_token_median"])
        except (KeyError, TypeError, ValueError):
            problems.append(
                f"{table}, line {number}: give model, seq_len (tokens) and flops_per_token_median (a number)"
            )
            continue
        arch, note = known.get(model, (None, f"the shape of {model} is not in {ARCHITECTURES.name}"))
        ours = None if arch is None else flops_per_token(arch, length, accounting)
        rows.append(Row(model, length, theirs, ours, note))
    if problems or not rows:
        raise BadInput(problems or f"{table} holds no rows")
    return rows
