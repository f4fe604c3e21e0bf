"""Words and pairs of words as numbers without a vocabulary: each falls into one of ``2 ** bits`` buckets by its hash.

The hashing trick (Weinberger et al. 2009, arXiv 0902.2206): a second bit of the hash is the sign, so that words that
meet in a bucket cancel out on average. Nothing of a text can be read back from the weights.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np

from tierwise.fitting.sparse import Sparse

BITS = 14
_TOKEN = re.compile(r"\w+|[^\w\s]")
# A text longer than this says nothing new about its kind, and deciding must not take longer for it.
_MAX_TOKENS = 1024


def hashed(texts: Sequence[str], bits: int = BITS) -> Sparse:
    """Words and pairs of neighbours of each text, counted as ``1 + log(n)``, each row scaled to length 1.

    Args:
        texts: any; an empty one gives an empty row.
        bits: log2 of the number of buckets.

    Returns:
        Shape ``(len(texts), 2 ** bits)``.
    """
    starts, columns, values = [0], [], []
    for text in texts:
        codes, counts = _buckets(text, bits)
        columns.append(codes)
        values.append(counts)
        starts.append(starts[-1] + len(codes))
    return Sparse(
        np.array(starts),
        np.concatenate(columns) if columns else np.zeros(0, np.int64),
        np.concatenate(values) if values else np.zeros(0),
        2**bits,
    )


def _buckets(
    text: str, bits: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    tokens = _TOKEN.findall(text.lower())[:_MAX_TOKENS]
    counts = Counter(tokens)
    counts.update(f"{first} {second}" for first, second in pairwise(tokens))
    codes = np.array([crc32(token.encode()) for token in counts], np.int64)
    weights = 1.0 + np.log(np.fromiter(counts.values(), float, len(counts)))
    signed = np.where(codes >> 31, weights, -weights)
    length = np.sqrt((weights**2).sum())
    return codes & (2**bits - 1), signed / (length if length else 1.0)
