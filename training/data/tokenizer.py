"""From text to token numbers: bytes, a `tokenizer.json` of the Hugging Face library, or one trained on the data.

Ids that we make are laid out alike: 0 pads, 1 ends a text, 2 is unknown. Nothing is fetched. Does not import torch.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from training.errors import BadInput

PAD, END, UNKNOWN = 0, 1, 2
SPECIALS = ("<pad>", "<eos>", "<unk>")
FILE_NAME = "tokenizer.json"
BYTE = "byte"
ENDS = ("<eos>", "</s>", "<|endoftext|>", "<|end_of_text|>", "[SEP]", "<|im_end|>")
PADS = ("<pad>", "[PAD]", "<|pad|>")
"""Names under which well-known tokenizers keep them."""


class Tokenizer(Protocol):
    """What a preparation, a trainer and a server need of one."""

    name: str
    sha256: str
    vocabulary: int
    """Ids lie below it."""
    end: int
    pad: int

    def encode(self, texts: Sequence[str], most: int | None = None) -> list[list[int]]:
        """Ids of each text. With `most`: as a classifier reads it, with special tokens and cut to that length."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; special ones are left out."""
        ...


class Bytes:
    """Each byte of the text in UTF-8 is one token, from 3 on. Needs no file and knows every text."""

    name = BYTE
    sha256 = hashlib.sha256(b"byte tokenizer, 3 special ids").hexdigest()
    vocabulary = len(SPECIALS) + 256
    end, pad = END, PAD

    def encode(self, texts: Sequence[str], most: int | None = None) -> list[list[int]]:
        found = [
            (np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8).astype(np.int64) + len(SPECIALS)).tolist()
            for text in texts
        ]
        # A classifier reads the class from the first token: one that is the same for every text.
        return found if most is None else [[END, *ids[: most - 1]] for ids in found]

    def decode(self, ids: Iterable[int]) -> str:
        first = len(SPECIALS)
        return bytes(one - first for one in ids if first <= one < self.vocabulary).decode("utf-8", "replace")


class FromFile:
    """A `tokenizer.json`."""

    def __init__(self, path: Path) -> None:
        tokenizers = _library()
        try:
            content = path.read_bytes()
            self._tokenizer: Any = tokenizers.Tokenizer.from_str(content.decode("utf-8"))
        except OSError as problem:
            raise BadInput(f"tokenizer {path}: {problem.strerror}; give byte, bpe:N, words:N or a file") from None
        except Exception as problem:  # noqa: BLE001 - the library raises plain Exceptions
            raise BadInput(f"tokenizer {path}: is no tokenizer.json ({problem})") from None
        self.name, self.sha256 = path.name, hashlib.sha256(content).hexdigest()
        self._lock = threading.Lock()
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.vocabulary = max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        end, pad = self._first(ENDS), self._first(PADS)
        if end is None:
            raise BadInput(f"tokenizer {path}: has no end-of-text token; add one of {', '.join(ENDS)}")
        self.end, self.pad = end, PAD if pad is None else pad

    def encode(self, texts: Sequence[str], most: int | None = None) -> list[list[int]]:
        with self._lock:  # truncation is a state of the library's object
            if most is not None:
                self._tokenizer.enable_truncation(most)
            try:
                found = self._tokenizer.encode_batch(list(texts), add_special_tokens=most is not None)
            finally:
                self._tokenizer.no_truncation()
        return [one.ids for one in found]

    def decode(self, ids: Iterable[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def _first(self, names: Iterable[str]) -> int | None:
        return next((found for name in names if (found := self._tokenizer.token_to_id(name)) is not None), None)


def load(wanted: str | Path) -> Tokenizer:
    """ "byte", the path of a file, or of a folder that holds `tokenizer.json`. Raises BadInput."""
    if str(wanted) == BYTE:
        return Bytes()
    path = Path(wanted)
    return FromFile(path / FILE_NAME if path.is_dir() else path)


def trained_size(wanted: str) -> tuple[str, int] | None:
    """("bpe", N) or ("words", N) for a tokenizer that is to be trained, else None. Raises BadInput."""
    kind, found, size = wanted.partition(":")
    if kind not in {"bpe", "words"} or not found:
        return None
    if not size.isdigit() or int(size) <= len(SPECIALS) + (256 if kind == "bpe" else 0):
        raise BadInput(f"tokenizer {wanted}: give a size such as {kind}:32000 (bpe: above 259, words: above 3)")
    return kind, int(size)


def train(wanted: str, texts: Iterable[str], path: Path) -> None:
    """Train on `texts` and write the file, at once or not at all; what another process wrote first stays.

    "bpe:N": byte-level byte-pair encoding, which knows every text; "words:N": the most frequent words.
    """
    tokenizers = _library()
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    kind, size = trained_size(wanted) or ("bpe", 32_000)
    if kind == "bpe":
        made = tokenizers.Tokenizer(models.BPE(unk_token=None))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer: Any = trainers.BpeTrainer(
            vocab_size=size, special_tokens=list(SPECIALS), initial_alphabet=alphabet, show_progress=False
        )
    else:
        made = tokenizers.Tokenizer(models.WordLevel(unk_token=SPECIALS[UNKNOWN]))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=list(SPECIALS), show_progress=False)
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single=f"{SPECIALS[END]} $A", special_tokens=[(SPECIALS[END], END)]
    )
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    made.save(str(part))
    try:
        os.link(part, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links: the last one wins, and all write the same
        os.replace(part, path)
    part.unlink(missing_ok=True)


def _library() -> Any:
    # The preparation is parallel over files already; threads of a library in each of its processes only fight.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import tokenizers
    except ImportError:
        raise BadInput("tokenizer: the package tokenizers is not installed; pip install it, or use byte") from None
    return tokenizers
