"""The model of a routing table: what it predicts, when it says that it does not know, and its file."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import InvalidInput
from tierwise.routing.recorded.domain import Domain
from tierwise.routing.recorded.encode import Encoded, Encoder, Progress, Vectors, embed, encode, encode_answered
from tierwise.routing.recorded.gain_head import GainHead, gain_of
from tierwise.routing.recorded.tables import Prompts

Floats = NDArray[np.float64]
FORMAT = 1
_KIND = "tierwise gain model"
_MOST_BYTES = 50_000_000
_HEAD = ("means", "factors", "dense", "words", "intercepts")
_DOMAIN = ("means", "spreads", "centres")


@dataclass(frozen=True)
class Part:
    """A head with the kind of questions that it knows.

    Attributes:
        head: gives the expected gain.
        domain: of the questions it was trained on.
        prior: mean gain of those; what is said about a question of another kind.
    """

    head: GainHead
    domain: Domain
    prior: float


@dataclass(frozen=True)
class Prediction:
    """What is expected of rows, each array of shape ``(n,)``.

    Attributes:
        gain: quality the strong model adds; the prior where the row is not known.
        weak: chance that the weak model is good.
        strong: chance that the strong one is.
        known: whether the row is of a kind that was trained on.
    """

    gain: Floats
    weak: Floats
    strong: Floats
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class GainModel:
    """Predicts what the strong model gains on a question.

    Attributes:
        encoder: identity of the embedder whose vectors it reads.
        question: reads the question alone.
        answered: reads the weak model's answer, too; ``None`` if it was trained without answers.
        figures: of its own cross-validation, a JSON object.
    """

    encoder: str
    question: Part
    answered: Part | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)

    def knows(self, prompt: str, vector: Vectors | Floats) -> bool:
        """Whether a question, with its embedding of shape ``(d,)``, is of a kind that was trained on."""
        return bool(self.question.domain.knows(encode([prompt], _row(vector)))[0])

    def predict(
        self,
        prompt: str,
        vector: Vectors | Floats,
        response: str | None = None,
        response_vector: Vectors | Floats | None = None,
    ) -> Prediction:
        """Predict for one question whose vector is at hand; with an answer and its vector, that is read, too.

        Args:
            prompt: the text.
            vector: its embedding, shape ``(d,)``.
            response: what the weak model answered.
            response_vector: its embedding.

        Raises:
            InvalidInput: if an answer is given to a model that was trained without.
        """
        vectors = _row(vector)
        if response is None or response_vector is None:
            return _apply(self.question, encode([prompt], vectors))
        rows = encode_answered([prompt], vectors, [response], _row(response_vector))
        return _apply(self._answered(), rows)

    def score(self, rows: Prompts, encoder: Encoder, progress: Progress | None = None) -> Prediction:
        """Predict for a file of questions; a row with an answer is judged by it.

        Args:
            rows: with or without answers.
            encoder: the embedder the model was trained with.
            progress: told ``(what, done, total)``.

        Raises:
            InvalidInput: if the embedder is another one, or there are answers and the model was trained without.
        """
        self.check_encoder(encoder.identity)
        if rows.answered.any():
            self._answered()
        vectors = embed(encoder, rows.prompts, "questions", progress)
        n = len(rows)
        made = Prediction(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, bool))
        for part, index in ((self.question, ~rows.answered), (self.answered, rows.answered)):
            chosen = np.flatnonzero(index)
            if part is None or not chosen.size:
                continue
            prompts = [rows.prompts[i] for i in chosen]
            if part is self.question:
                encoded = encode(prompts, vectors[chosen])
            else:
                responses = [rows.responses[i] or "" for i in chosen]
                answers = embed(encoder, responses, "answers", progress)
                encoded = encode_answered(prompts, vectors[chosen], responses, answers)
            found = _apply(part, encoded)
            for name in ("gain", "weak", "strong", "known"):
                getattr(made, name)[chosen] = getattr(found, name)
        return made

    def check_encoder(self, identity: str) -> None:
        """Refuse vectors of another embedder.

        Raises:
            InvalidInput: if it is another one.
        """
        if identity != self.encoder:
            raise InvalidInput(
                f"The model reads vectors of {self.encoder}, and these are of {identity}.",
                fix="Train it again with: tierwise router train.",
            )

    def _answered(self) -> Part:
        if self.answered is None:
            raise InvalidInput(
                "The model was trained without answers, so it cannot judge any.",
                fix="Train with --responses, or score without.",
            )
        return self.answered

    # -- the file ------------------------------------------------------------------------------------------------------

    def save(self, path: Path | str) -> int:
        """Write the model, below 2 MB; returns its size in bytes.

        Raises:
            InvalidInput: if the file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {}
        meta: dict[str, Any] = {"kind": _KIND, "format": FORMAT, "encoder": self.encoder, "figures": dict(self.figures)}
        for name, part in (("question", self.question), ("answered", self.answered)):
            if part is None:
                continue
            head, domain = part.head, part.domain
            meta[name] = {"names": head.names, "cut": head.cut, "line": domain.line, "prior": part.prior}
            for key in _HEAD:
                arrays[f"{name}.{key}"] = getattr(head, key).astype(np.float32)
            for key in _DOMAIN:
                arrays[f"{name}.domain.{key}"] = getattr(domain, key).astype(np.float32)
        made = io.BytesIO()
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        np.savez_compressed(made, allow_pickle=False, **arrays)
        try:
            Path(path).write_bytes(made.getvalue())
        except OSError as error:
            raise InvalidInput(f"{path} cannot be written: {error.strerror}.", fix="Choose another place.") from error
        return len(made.getvalue())

    @classmethod
    def load(cls, path: Path | str) -> GainModel:
        """Read a model.

        Raises:
            InvalidInput: if the file is missing, damaged, of another version or something else.
        """
        fix = "Train it again with: tierwise router train."
        try:
            if Path(path).stat().st_size > _MOST_BYTES:
                raise ValueError("too large")
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(arrays.pop("meta").tobytes())
            if not isinstance(meta, dict) or meta.get("kind") != _KIND:
                raise ValueError("another kind")
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", fix="Check the path.") from error
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, AttributeError, NotImplementedError) as error:
            raise InvalidInput(f"{path} is no model of tierwise, or it is damaged.", fix=fix) from error
        if meta.get("format") != FORMAT:
            raise InvalidInput(
                f"{path} has format {meta.get('format')}, and this version of tierwise reads format {FORMAT}.", fix=fix
            )
        try:
            parts = {name: _part(meta[name], arrays, name) for name in ("question", "answered") if name in meta}
            return cls(str(meta["encoder"]), parts["question"], parts.get("answered"), dict(meta["figures"]))
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise InvalidInput(f"{path} is damaged: a part of it is missing or does not fit.", fix=fix) from error


def _row(vector: Vectors | Floats) -> Floats:
    return np.asarray(vector, float).reshape(1, -1)


def _part(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], name: str) -> Part:
    means, factors, dense, words, intercepts = (arrays[f"{name}.{key}"].astype(float) for key in _HEAD)
    centre, spreads, centres = (arrays[f"{name}.domain.{key}"].astype(float) for key in _DOMAIN)
    k = len(means)
    fits = factors.shape == (k,) and dense.shape == (3, k) and words.ndim == 2 and len(words) == 3
    if not fits or intercepts.shape != (3,) or centres.ndim != 2 or spreads.shape != centre.shape:
        raise ValueError("shapes do not fit")
    if not all(np.isfinite(array).all() for array in (means, factors, dense, words, intercepts, centres)):
        raise ValueError("not finite")
    head = GainHead(tuple(map(str, meta["names"])), means, factors, float(meta["cut"]), dense, words, intercepts)
    return Part(head, Domain(centre, spreads, centres, float(meta["line"])), float(meta["prior"]))


def _apply(part: Part, rows: Encoded) -> Prediction:
    head = part.head
    wide = rows.vectors.shape[1] + rows.form.shape[1] == len(head.means) and rows.words.width == head.words.shape[1]
    if rows.names != head.names or not wide:
        raise InvalidInput(
            "The model was made for other features than this version of tierwise has.",
            fix="Train it again with: tierwise router train.",
        )
    outputs = head.outputs(rows)
    chances = 1.0 / (1.0 + np.exp(-np.clip(outputs[:, :2], -30, 30)))
    known = part.domain.knows(rows)
    return Prediction(np.where(known, gain_of(outputs), part.prior), chances[:, 0], chances[:, 1], known)
