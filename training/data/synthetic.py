"""Synthetic data of the shapes of real data, learnable, and the same for the same seed and sample number.

Every random number is a hash of (seed, split, sample, position): no generator has a state, so any sample can be made
at any time on any rank. What can be learned, and how well, stands at each kind.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
# NumPy and torch are in the environment of the trainer, not in that of the toolkit.
import numpy as np
from numpy.typing import NDArray

from training.data.order import Index, key_of, mix
from training.data.spec import IMAGE_MEAN, IMAGE_STD, SPLITS, DataSpec

STEPS = (1, 7, 19, 43)
STEP_ODDS = (0.7, 0.15, 0.1, 0.05)
"""Of the Markov chain of tokens: its entropy, 0.91 nats a token, is the lowest loss that can be reached."""
ALPHABET = 256
"""Tokens in use, at most: a small model learns their successors within a few hundred steps."""
PAD, FIRST_WORD = 0, 3
"""As in `tokenizer`: 0 pads, 1 ends a text, 2 is unknown."""

GLYPHS = (
    "01110 10001 10011 10101 11001 10001 01110", "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00110 01000 10000 11111", "11111 00010 00100 00010 00001 10001 01110",
    "00010 00110 01010 10010 11111 00010 00010", "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110", "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110", "01110 10001 10001 01111 00001 00010 01100",
)  # fmt: skip
"""The digits 0 to 9, five columns by seven rows."""


class Synthetic:
    """A `Source`: see `stream`."""

    def __init__(self, spec: DataSpec, seed: int) -> None:
        self._spec = spec
        self._key = key_of(seed, SPLITS.index(spec.split))
        # The rules to be learned depend on neither seed nor split, else an evaluation would test other rules.
        self.counts = None if spec.samples is None else [spec.samples]
        self.identity = f"synthetic {spec.kind} {spec.split} {spec.samples}"
        self._make = {"tokens": self._tokens, "texts": self._texts, "images": self._images, "digits": self._digits}

    def batch(self, shards: Index, samples: Index) -> dict[str, np.ndarray]:  # noqa: ARG002 - there is one shard
        """As in `DataSpec`."""
        return self._make[self._spec.kind](samples)

    def _tokens(self, samples: Index) -> dict[str, np.ndarray]:
        """A Markov chain: each token has four successors with `STEP_ODDS`, found from it by `STEPS`."""
        length, alphabet = self._spec.sequence_length, min(self._spec.vocabulary, ALPHABET)
        steps = np.asarray(STEPS)[np.searchsorted(np.cumsum(STEP_ODDS)[:-1], self._uniform(samples, length + 1))]
        steps[:, 0] = (self._uniform(samples, 1, stream=1) * alphabet)[:, 0]
        chain = np.cumsum(steps, axis=1) % alphabet
        return {"input_ids": chain[:, :-1].astype(np.int64), "labels": chain[:, 1:].astype(np.int64)}

    def _texts(self, samples: Index) -> dict[str, np.ndarray]:
        """Texts of half to whole length; a quarter of the words belong to the label's part of the vocabulary."""
        length, classes = self._spec.sequence_length, self._spec.classes
        labels = self._labels(samples)
        words = max(min(self._spec.vocabulary, ALPHABET) - FIRST_WORD, 1)
        own = max(words // (2 * classes), 1)  # the second half of the words belongs to one class each
        common = self._uniform(samples, length) * max(words // 2, 1)
        telling = words // 2 + labels[:, None] * own + self._uniform(samples, length, stream=2) * own
        ids = np.where(self._uniform(samples, length, stream=3) < 0.25, telling, common).astype(np.int64)
        ids = np.minimum(FIRST_WORD + ids, self._spec.vocabulary - 1)
        lengths = (length * (0.5 + 0.5 * self._uniform(samples, 1, stream=4))).astype(np.int64)
        mask = np.arange(length)[None, :] < np.maximum(lengths, 1)
        return {"input_ids": np.where(mask, ids, PAD), "attention_mask": mask.astype(np.int64), "labels": labels}

    def _images(self, samples: Index) -> dict[str, np.ndarray]:
        """Stripes, whose direction and colour tell the class, in noise."""
        size, labels = self._spec.image_size, self._labels(samples)
        angle = np.pi * labels / self._spec.classes
        rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
        along = np.cos(angle)[:, None, None] * columns + np.sin(angle)[:, None, None] * rows
        phase = 2 * np.pi * self._uniform(samples, 1, stream=5)[:, :, None]
        stripes = 0.5 + 0.3 * np.sin(2 * np.pi * along / max(size / 4, 4) + phase)
        colour = 0.5 + 0.5 * np.cos(2 * np.pi * (labels[:, None] / self._spec.classes + np.arange(3)[None, :] / 3))
        noise = self._uniform(samples, 3 * size * size, stream=6).reshape(-1, 3, size, size) - 0.5
        pixels = np.clip(stripes[:, None] * (0.5 + 0.5 * colour)[:, :, None, None] + 0.2 * noise, 0, 1)
        mean, std = (np.asarray(one)[None, :, None, None] for one in (IMAGE_MEAN, IMAGE_STD))
        return {"images": ((pixels - mean) / std).astype(np.float32), "labels": labels}

    def _digits(self, samples: Index) -> dict[str, np.ndarray]:
        """Digits of 15 x 21 pixels, moved by up to 3 pixels, in noise."""
        labels = self._labels(samples, min(self._spec.classes, 10))
        images = self._uniform(samples, 28 * 28, stream=7).reshape(-1, 28, 28) * 0.3
        shapes = np.array([[[int(dot) for dot in row] for row in glyph.split()] for glyph in GLYPHS], dtype=float)
        shapes = shapes.repeat(3, axis=1).repeat(3, axis=2)
        moves = (self._uniform(samples, 2, stream=8) * 7).astype(int)
        for image, label, (down, right) in zip(images, labels, moves, strict=True):
            image[down : down + 21, 3 + right : 18 + right] += 0.7 * shapes[label]
        return {"images": images.astype(np.float32), "labels": labels}

    def _labels(self, samples: Index, classes: int | None = None) -> NDArray[np.int64]:
        return (self._uniform(samples, 1, stream=9)[:, 0] * (classes or self._spec.classes)).astype(np.int64)

    def _uniform(self, samples: Index, width: int, stream: int = 0) -> NDArray[np.float64]:
        """Numbers in [0, 1), [B, width]."""
        keys = mix(samples.astype(np.uint64) ^ np.uint64(key_of(self._key, stream)))
        with np.errstate(over="ignore"):
            found = mix(keys[:, None] + np.arange(width, dtype=np.uint64)[None, :] * np.uint64(0xD1342543DE82EF95))
        return (found >> np.uint64(11)).astype(np.float64) * 2.0**-53
