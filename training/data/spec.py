"""What a stream of training data is made of. Pure data: no NumPy, no torch.

Holds the kinds of data, the shapes of their batches and `DataSpec`. Leaves out how data is read (`stream`) and made
(`prepare`, `synthetic`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["tokens", "texts", "images", "digits"]
Split = Literal["train", "dev", "test"]
KINDS: tuple[Kind, ...] = ("tokens", "texts", "images", "digits")
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
SYNTHETIC = "synthetic"

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)
"""Channel statistics of ImageNet, red, green, blue, as used by torchvision's reference training."""
IGNORED = -100
"""A label that no loss counts: the default `ignore_index` of torch's cross-entropy."""


@dataclass(frozen=True)
class DataSpec:
    """Which data, in which shape.

    Batches (tensors on the CPU; B is the batch size of one rank):
    - tokens: `input_ids` int64 [B, S]; `labels` int64 [B, S], already shifted: `labels[b, t]` is the token that
      follows `input_ids[b, t]` (a model that shifts for itself must not be given them);
    - texts: `input_ids` int64 [B, S], `attention_mask` int64 [B, S] (1 = token, 0 = padding), `labels` int64 [B];
    - images: `images` float32 [B, 3, H, W], normalised by `IMAGE_MEAN` and `IMAGE_STD`; `labels` int64 [B];
    - digits: `images` float32 [B, 28, 28] in 0..1; `labels` int64 [B].
    """

    kind: Kind
    source: str = SYNTHETIC
    """Folder of prepared shards (a path, `s3://bucket/prefix` or `gs://bucket/prefix`), or "synthetic"."""
    split: Split = "train"
    sequence_length: int = 128
    """S, in tokens (tokens and texts)."""
    vocabulary: int = 256
    """Size of the model's vocabulary: synthetic tokens stay below it, prepared data must fit into it."""
    classes: int = 2
    """How many labels (texts, images, digits)."""
    image_size: int = 224
    """H and W in pixels (images)."""
    samples: int | None = None
    """Synthetic data: samples in the split; None: endless, no sample twice."""
    shuffle: bool = True
    """Permute the samples anew in each epoch; False: in the order of the shards."""
    repeat: bool = True
    """Go on with the next epoch; False: one pass, for evaluation."""
    most: int | None = None
    """Samples of an epoch at most, a choice of all of them that the seed makes; None: all. Not for endless data."""
    cache: Path | None = None
    """Folder on a local disk into which shards are copied on first use; None: read where they lie."""
    cache_bytes: int = 256 << 30
    """Bound of the cache folder in bytes."""
    verify: Literal["checksum", "size"] = "checksum"
    """What a shard must match when it is first used. "size" skips the reading of the whole shard."""
    prefetch: int = 4
    """Batches made ahead by background threads; 0: made when asked for."""
