"""Which documents are the same: exactly, by a hash of their cleaned text, or nearly, by MinHash.

The first one in the order of the files stays, so the answer does not depend on who computed it.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import hashlib
import re
import zlib
from collections import defaultdict

import numpy as np

from training.data.order import mix

SHINGLE_WORDS = 5
PERMUTATIONS = 128
BANDS = 16
"""16 bands of 8 values: pairs of a similarity of 0.7 meet in 61 of 100 cases, of 0.8 in 95 (Leskovec,
Rajaraman, Ullman, Mining of Massive Datasets, 3.4); who meets is compared by the whole signature."""
_WORD = re.compile(r"\w+")


def content_hash(content: bytes) -> tuple[int, int]:
    """128 bits of a document."""
    found = hashlib.blake2b(content, digest_size=16).digest()
    return int.from_bytes(found[:8], "little"), int.from_bytes(found[8:], "little")


def signature(text: str) -> np.ndarray:
    """MinHash of the text's runs of five words, lower case: uint32 [PERMUTATIONS]."""
    words = _WORD.findall(text.lower())
    runs = {" ".join(words[at : at + SHINGLE_WORDS]) for at in range(max(len(words) - SHINGLE_WORDS + 1, 1))}
    hashes = np.fromiter((zlib.crc32(run.encode()) for run in runs), dtype=np.uint64, count=len(runs))
    least = np.full(PERMUTATIONS, np.iinfo(np.uint64).max, dtype=np.uint64)
    keys = mix(np.arange(PERMUTATIONS, dtype=np.uint64))
    for start in range(0, len(hashes), 4096):
        some = hashes[start : start + 4096]
        least = np.minimum(least, mix(some[None, :] ^ keys[:, None]).min(axis=1))
    return (least >> np.uint64(32)).astype(np.uint32)


def first_of_each(hashes: np.ndarray) -> np.ndarray:
    """Which rows of uint64 [n, 2] appear for the first time: bool [n]."""
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable: of equal rows the earliest comes first
    found = np.ones(len(hashes), dtype=bool)
    found[order[1:]] = (np.diff(hashes[order].view(np.int64), axis=0) != 0).any(axis=1)
    return found


def without_near(signatures: np.ndarray, keep: np.ndarray, similarity: float) -> np.ndarray:
    """`keep` (bool [n]) less the documents that are nearly one that comes before them and is kept itself."""
    rows = PERMUTATIONS // BANDS
    buckets: list[dict[bytes, list[int]]] = [defaultdict(list) for _ in range(BANDS)]
    found = keep.copy()
    for number in np.flatnonzero(keep):
        own = signatures[number]
        bands = [own[band * rows : (band + 1) * rows].tobytes() for band in range(BANDS)]
        met = {one for bucket, band in zip(buckets, bands, strict=True) for one in bucket.get(band, ())}
        if any((signatures[one] == own).mean() >= similarity for one in met):
            found[number] = False
            continue
        for bucket, band in zip(buckets, bands, strict=True):
            bucket[band].append(int(number))
    return found
