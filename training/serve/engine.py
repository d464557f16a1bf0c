"""A loaded model and what belongs to it: tokenizer, classes, preprocessing. Answers batches; knows no HTTP."""

from __future__ import annotations

# pyright: reportMissingImports=false
import base64
import binascii
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from training.data import preprocessing
from training.data.clean import clean
from training.data.images import crop
from training.data.preprocessing import Preprocessing
from training.data.spec import Kind
from training.data.tokenizer import BYTE, FILE_NAME, PAD, Tokenizer, load
from training.errors import BadInput
from training.serve.requests import ApiError

if TYPE_CHECKING:
    from training.models.interface import Model

KINDS: dict[str, Kind] = {
    "bloom": "tokens", "gpt": "tokens", "bert": "texts", "bilstm": "texts", "resnet": "images", "mlp": "digits",
}  # fmt: skip
"""What a model reads, by its module."""
DIGIT_SIDE = 28


@dataclass
class Classification:
    """One input of a classifier."""

    payload: np.ndarray
    """Token ids [n], or pixels as the model reads them."""
    done: Callable[[list[float]], None]
    """Takes the probability of each class, in the batch's thread."""
    problem: Callable[[BaseException], None]

    def failed(self, problem: BaseException) -> None:
        self.problem(problem)


class Engine:
    """One exported model."""

    def __init__(self, folder: Path, *, name: str | None = None, tokenizer: Path | None = None) -> None:
        """Raises BadInput: no exported model, no fitting tokenizer."""
        from training.weights import load_exported

        self.model: Model = load_exported(folder)
        self.model.eval()
        self.name = name or folder.resolve().name
        self.kind = KINDS[type(self.model).__module__.rpartition(".")[2]]
        if torch.cuda.is_available():
            self.model.to("cuda")
        self.preprocessing = preprocessing.read(folder) or Preprocessing(self.kind)
        self.tokenizer = self._tokenizer(folder, tokenizer)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together, or of a text to classify."""
        config = self.model.config
        if self.kind == "tokens":
            return config.sequence_length
        return min(self.preprocessing.max_tokens, getattr(config, "max_positions", self.preprocessing.max_tokens))

    @property
    def classes(self) -> list[str]:
        """Names of the classes; those without one are called LABEL_0, LABEL_1, ..."""
        count = 2 if self.model.task == "binary" else self.model.config.classes
        named = self.preprocessing.classes
        return [*named, *(f"LABEL_{number}" for number in range(len(named), count))][:count]

    def encode(self, prompt: str | Sequence[int]) -> list[int]:
        """Ids of a prompt, at least one. Raises ApiError 400."""
        if not isinstance(prompt, str):
            size = self.model.config.vocab_size
            if not all(0 <= one < size for one in prompt):
                raise ApiError(400, f"prompt: token ids lie between 0 and {size - 1}", "prompt")
            return list(prompt)
        assert self.tokenizer
        return self.tokenizer.encode([prompt])[0] or [self.tokenizer.end]

    def read(self, given: Any) -> np.ndarray:
        """One input of a classifier as its model reads it. Raises ApiError 400."""
        if self.kind == "texts":
            return self._read_text(given)
        if self.kind == "images":
            pixels = crop(_image(given), self.preprocessing.image_resize, self.preprocessing.image_size)
            from training.data.prepared import normalised

            return normalised(pixels[None])[0]
        return _digit(given)

    @torch.inference_mode()
    def classify(self, batch: Sequence[Classification]) -> None:
        """Answer all of them."""
        if self.kind == "texts":
            longest = max(len(one.payload) for one in batch)
            ids = np.full((len(batch), longest), PAD, dtype=np.int64)
            mask = np.zeros_like(ids)
            for row, one in enumerate(batch):
                ids[row, : len(one.payload)] = one.payload
                mask[row, : len(one.payload)] = 1
            arrays = {"input_ids": ids, "attention_mask": mask}
        else:
            arrays = {"images": np.stack([one.payload for one in batch])}
        output = self.model({name: torch.from_numpy(array).to(self.device) for name, array in arrays.items()})
        logits = output.logits.float()
        if self.model.task == "binary":
            logits = torch.stack([torch.zeros_like(logits), logits], -1)  # its softmax is the sigmoid
        for one, probabilities in zip(batch, torch.softmax(logits, -1).tolist(), strict=True):
            one.done(probabilities)

    def _read_text(self, given: Any) -> np.ndarray:
        if isinstance(given, str):
            assert self.tokenizer
            text = clean(given, self.preprocessing.clean)  # type: ignore[arg-type]
            ids = self.tokenizer.encode([text], self.context)[0] or [self.tokenizer.end]
        elif isinstance(given, list) and given and all(isinstance(one, int) for one in given):
            ids = self.encode(given)[: self.context]
        else:
            raise ApiError(400, "input: this model classifies texts (or lists of token ids)", "input")
        return np.asarray(ids, dtype=np.int64)

    def _tokenizer(self, folder: Path, given: Path | None) -> Tokenizer | None:
        if self.kind not in {"tokens", "texts"}:
            return None
        beside = folder / FILE_NAME
        found = load(given or (beside if beside.is_file() else BYTE))
        size = self.model.config.vocab_size
        if found.vocabulary > size:
            raise BadInput(
                f"tokenizer {found.name}: has {found.vocabulary} ids, the model's vocabulary has {size}; "
                "give the model's own with --tokenizer"
            )
        return found


def _image(given: Any) -> Any:
    from PIL import Image

    if not isinstance(given, str):
        raise ApiError(400, "input: this model classifies images; give each as a base64 text (PNG, JPEG, ...)", "input")
    try:
        content = base64.b64decode(given.partition("base64,")[2] or given, validate=True)
        with Image.open(io.BytesIO(content)) as opened:
            return opened.convert("RGB")
    except (binascii.Error, OSError, ValueError, Image.DecompressionBombError):
        raise ApiError(400, "input: is no image in base64 (PNG, JPEG, ...)", "input") from None


def _digit(given: Any) -> np.ndarray:
    """float32 [28, 28] in 0..1 from rows of numbers, or an image, white on black."""
    if isinstance(given, str):
        image = _image(given).convert("L").resize((DIGIT_SIDE, DIGIT_SIDE))
        return np.asarray(image, dtype=np.float32) / np.float32(255)
    try:
        found = np.asarray(given, dtype=np.float32)
    except (ValueError, TypeError):
        found = np.zeros(0, dtype=np.float32)
    if found.shape != (DIGIT_SIDE, DIGIT_SIDE) or not np.isfinite(found).all():
        raise ApiError(
            400, "input: this model classifies digits; give 28 rows of 28 numbers in 0..1, or images", "input"
        )
    return found
