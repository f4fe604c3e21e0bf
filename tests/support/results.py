"""Made-up tables of recorded results, and an embedder that needs no model."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEADER = ("id", "prompt", "weak_correct", "strong_correct")
_THINGS = ("rivers", "birds", "metals", "poems", "planets", "breads", "bridges", "laws")


def rows(n: int, seed: int = 1, name: str = "made") -> list[tuple[str, str, str, str]]:
    """Every second question is hard for the weak model, and says so by its form."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        hard, thing = i % 2 == 1, _THINGS[int(rng.integers(len(_THINGS)))]
        a, b = (int(x) for x in rng.integers(2, 999, 2))
        prompt = f"Prove that {thing} of order {a} over {b} are closed." if hard else f"What is {a} plus {b} {thing}?"
        weak = int(rng.random() < (0.15 if hard else 0.9))
        found.append((f"{name}/{i}", prompt, str(weak), str(int(rng.random() < 0.9))))
    return found


def answers(table: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """What the weak model said: sure when right, rambling when wrong."""
    return [
        (id_, "The answer is 5." if weak == "1" else "However, it may be unclear, perhaps.")
        for id_, _, weak, _ in table
    ]


def write(path: Path, header: Sequence[str], lines: Sequence[Sequence[str]]) -> Path:
    """Write CSV, gzipped if the name says so."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(header)
    writer.writerows(lines)
    data = made.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


class WordVectors:
    """An embedder: the sum of one fixed random direction a word, of length 1."""

    identity = "words/16"
    dimension = 16

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        made = np.zeros((len(texts), self.dimension), np.float32)
        for i, text in enumerate(texts):
            for word in text.lower().split():
                made[i] += np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.dimension)
            made[i] /= np.linalg.norm(made[i]) or 1.0
        return made
