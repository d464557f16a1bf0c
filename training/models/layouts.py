"""How names and configurations of ours and of Hugging Face correspond, a model at a time. Pure.

Models that Hugging Face does not have (gpt, resnet, bilstm, mlp) keep their own names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

BERT_NAMES = (
    (r"^embeddings\.words\.", "bert.embeddings.word_embeddings."),
    (r"^embeddings\.positions\.", "bert.embeddings.position_embeddings."),
    (r"^embeddings\.types\.", "bert.embeddings.token_type_embeddings."),
    (r"^embeddings\.norm\.", "bert.embeddings.LayerNorm."),
    (r"^layers\.(\d+)\.(query|key|value)\.", r"bert.encoder.layer.\1.attention.self.\2."),
    (r"^layers\.(\d+)\.dense\.", r"bert.encoder.layer.\1.attention.output.dense."),
    (r"^layers\.(\d+)\.attention_norm\.", r"bert.encoder.layer.\1.attention.output.LayerNorm."),
    (r"^layers\.(\d+)\.up\.", r"bert.encoder.layer.\1.intermediate.dense."),
    (r"^layers\.(\d+)\.down\.", r"bert.encoder.layer.\1.output.dense."),
    (r"^layers\.(\d+)\.norm\.", r"bert.encoder.layer.\1.output.LayerNorm."),
)


@dataclass(frozen=True)
class Layout:
    """One model's layout on disk."""

    names: tuple[tuple[str, str], ...] = ()
    """Regular expressions of our names and what replaces them; the first that fits."""
    prefix: str = ""
    """Of the names on disk, which some files leave out."""
    ignored: str = r"(?!)"
    """Regular expression of names on disk that we have no use for."""
    may_miss: str = r"(?!)"
    """Regular expression of our names that may stay fresh when the file has none of them: a head for a new task."""
    to_disk: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    """Our configuration to Hugging Face's."""
    from_disk: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    def on_disk(self, ours: str) -> str:
        """The name on disk of one of our parameters."""
        for pattern, replacement in self.names:
            if re.search(pattern, ours):
                return re.sub(pattern, replacement, ours)
        return ours

    def canonical(self, name: str) -> str:
        """A name as it may stand in a file, as `on_disk` would write it."""
        name = re.sub(r"\.gamma$", ".weight", re.sub(r"\.beta$", ".bias", name))  # TensorFlow's names of 2018
        if not self.prefix or name.startswith(self.prefix):
            return name
        return self.prefix + name if re.match(r"(h\.\d|ln_f|word_emb|embeddings\.|encoder\.|pooler)", name) else name


def _bloom_to_disk(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["BloomForCausalLM"],
        "model_type": "bloom",
        "vocab_size": config["vocab_size"],
        "hidden_size": config["hidden_size"],
        "n_layer": config["layers"],
        "n_head": config["heads"],
        "layer_norm_epsilon": config["norm_epsilon"],
        "initializer_range": config["initializer_range"],
        "seq_length": config["sequence_length"],
        "apply_residual_connection_post_layernorm": False,
        "attention_dropout": 0.0,
        "hidden_dropout": 0.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }


def _bloom_from_disk(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vocab_size": config["vocab_size"],
        "hidden_size": config.get("hidden_size", config.get("n_embed")),
        "layers": config.get("n_layer", config.get("num_hidden_layers")),
        "heads": config.get("n_head", config.get("num_attention_heads")),
        "norm_epsilon": config.get("layer_norm_epsilon", 1e-5),
    }


def _bert_to_disk(config: Mapping[str, Any]) -> dict[str, Any]:
    labels = range(config["classes"])
    return {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": config["vocab_size"],
        "hidden_size": config["hidden_size"],
        "num_hidden_layers": config["layers"],
        "num_attention_heads": config["heads"],
        "intermediate_size": config["ffn_size"],
        "max_position_embeddings": config["max_positions"],
        "type_vocab_size": config["token_types"],
        "layer_norm_eps": config["norm_epsilon"],
        "hidden_dropout_prob": config["dropout"],
        "attention_probs_dropout_prob": config["dropout"],
        "hidden_act": "gelu",
        "id2label": {str(label): f"LABEL_{label}" for label in labels},
        "label2id": {f"LABEL_{label}": label for label in labels},
        "torch_dtype": "float32",
    }


def _bert_from_disk(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vocab_size": config["vocab_size"],
        "hidden_size": config["hidden_size"],
        "layers": config["num_hidden_layers"],
        "heads": config["num_attention_heads"],
        "ffn_size": config["intermediate_size"],
        "max_positions": config["max_position_embeddings"],
        "token_types": config.get("type_vocab_size", 2),
        "norm_epsilon": config.get("layer_norm_eps", 1e-12),
        "classes": len(config.get("id2label") or (0, 1)),
    }


LAYOUTS: Mapping[str, Layout] = {
    "bloom": Layout(
        names=((r"^", "transformer."),),
        prefix="transformer.",
        ignored=r"^lm_head\.weight$",  # tied to the embedding
        to_disk=_bloom_to_disk,
        from_disk=_bloom_from_disk,
    ),
    "bert": Layout(
        names=BERT_NAMES,
        prefix="bert.",
        ignored=r"^cls\.|\.pooler\.|\.position_ids$",
        may_miss=r"^classifier\.",
        to_disk=_bert_to_disk,
        from_disk=_bert_from_disk,
    ),
}
PLAIN = Layout()


def layout(name: str) -> Layout:
    return LAYOUTS.get(name, PLAIN)
