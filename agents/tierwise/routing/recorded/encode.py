"""Rows of text as the numbers a head sees: vector, form and words of the question, and of its answer if wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tierwise.fitting.sparse import Sparse, beside
from tierwise.routing.recorded.hashing import hashed
from tierwise.routing.recorded.question_features import question_features
from tierwise.routing.recorded.response_features import response_features

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
_CHUNK = 16


class Encoder(Protocol):
    """What this package needs of an embedder; :class:`tierwise.models.base.Embedder` is one."""

    @property
    def identity(self) -> str:
        """Name and weights; equal identities give equal vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers a text."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape ``(len(texts), dimension)``."""
        ...


@dataclass(frozen=True)
class Encoded:
    """Rows as numbers.

    Attributes:
        vectors: of the questions, and to their right of the answers, shape ``(n, d)`` or ``(n, 2 d)``.
        form: features by ``names``, shape ``(n, k)``.
        words: hashed words of the questions, and to their right of the answers.
        names: of the columns of ``form``.
    """

    vectors: Floats
    form: Floats
    words: Sparse
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, index: NDArray[np.intp]) -> Encoded:
        """Some rows."""
        return Encoded(self.vectors[index], self.form[index], self.words.take(index), self.names)


def encode(prompts: Sequence[str], vectors: Vectors | Floats) -> Encoded:
    """Questions alone.

    Args:
        prompts: the texts.
        vectors: their embeddings, shape ``(len(prompts), d)``.
    """
    form, names = _form([question_features(prompt) for prompt in prompts])
    return Encoded(np.asarray(vectors, float), form, hashed(prompts), names)


def encode_answered(
    prompts: Sequence[str], vectors: Vectors | Floats, responses: Sequence[str], answers: Vectors | Floats
) -> Encoded:
    """Questions with the weak model's answers.

    Args:
        prompts: the texts.
        vectors: their embeddings, shape ``(len(prompts), d)``.
        responses: the answers' texts.
        answers: the answers' embeddings, shape ``(len(prompts), d)``.
    """
    own = encode(prompts, vectors)
    theirs, names = _form([response_features(p, r) for p, r in zip(prompts, responses, strict=True)])
    alike = (own.vectors * np.asarray(answers, float)).sum(axis=1, keepdims=True)
    return Encoded(
        np.hstack([own.vectors, np.asarray(answers, float)]),
        np.hstack([own.form, theirs, alike]),
        beside(own.words, hashed(responses)),
        (*own.names, *(f"answer.{name}" for name in names), "answer.alike"),
    )


def embed(encoder: Encoder, texts: Sequence[str], what: str, progress: Progress | None) -> Vectors:
    """Embed in small steps, telling ``progress`` after each what is done: ``(what, done, total)``."""
    found = np.zeros((len(texts), encoder.dimension), np.float32)
    for start in range(0, len(texts), _CHUNK):
        part = texts[start : start + _CHUNK]
        found[start : start + len(part)] = encoder.embed(part)
        if progress:
            progress(what, start + len(part), len(texts))
    return found


def _form(rows: Sequence[dict[str, float]]) -> tuple[Floats, tuple[str, ...]]:
    names = tuple(rows[0]) if rows else ()
    return np.array([[*row.values()] for row in rows], float).reshape(len(rows), len(names)), names
