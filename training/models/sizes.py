"""Named sizes of each model, as plain data: which fields of its configuration they set. Imports no PyTorch.

`tiny` is for CPUs and tests. Whatever a size leaves out has the default of the model's own configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONFIGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "bloom": {
        # bigscience/bloom-560m config.json (2022-07): n_embed 1024, n_layer 24, n_head 16, vocabulary padded to 250880.
        "560m": {"vocab_size": 250_880, "hidden_size": 1024, "layers": 24, "heads": 16},
        "tiny": {"vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 4},
    },
    "gpt": {
        # 1.32e9 parameters: 24 layers of 12 d^2, a tied table of 50,304 (50,257 filled up to a multiple of 128).
        "1.3b": {"vocab_size": 50_304, "hidden_size": 2048, "layers": 24, "heads": 16, "ffn_size": 5504},
        "tiny": {"vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 4, "ffn_size": 176},
    },
    "resnet": {
        "18": {"widths": (64, 128, 256, 512), "blocks": (2, 2, 2, 2), "classes": 1000},
        "tiny": {"widths": (8, 16, 16, 32), "blocks": (1, 1, 1, 1), "classes": 10},
    },
    "bert": {
        # google-bert/bert-base-uncased config.json: 12 layers of 768 with 12 heads, vocabulary 30,522, 512 positions.
        "base": {"vocab_size": 30_522, "hidden_size": 768, "layers": 12, "heads": 12, "ffn_size": 3072, "classes": 2},
        "tiny": {
            "vocab_size": 512, "hidden_size": 64, "layers": 2, "heads": 4, "ffn_size": 128, "classes": 2,
            "max_positions": 128,
        },
    },
    "bilstm": {
        "base": {"vocab_size": 32_000, "embedding_size": 128, "hidden_size": 128, "dense_size": 128},
        "tiny": {"vocab_size": 512, "embedding_size": 16, "hidden_size": 16, "dense_size": 16},
    },
    "mlp": {
        "base": {"inputs": 784, "hidden_size": 128, "classes": 10},
        "tiny": {"inputs": 784, "hidden_size": 32, "classes": 10},
    },
}  # fmt: skip
