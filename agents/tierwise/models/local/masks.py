"""Which tokens a grammar allows next, by ``llguidance`` over the model's own vocabulary.

Runs in the model's process. Grammars come ready from :mod:`tierwise.models.schemas.grammars`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import ModelError
from tierwise.models.local.json_place import JsonPlace

_CLOSES_TEXT, _CLOSES_REST = re.compile(rb'"[]}]*'), re.compile(rb"[]}]+")


class Grammars:
    """Makes masks for one vocabulary.

    Args:
        vocab: llama.cpp's vocabulary.
        end_tokens: tokens that end an answer.
        piece: bytes of a token.
    """

    def __init__(self, vocab: Any, end_tokens: list[int], piece: Callable[[int], bytes]) -> None:
        from llguidance.llamacpp import lltokenizer_from_vocab

        # 0.3 s for 49,000 tokens, 0.8 s for 152,000: made once, by the first request that has a grammar.
        with warnings.catch_warnings():  # it calls a function of the binding that has a new name
            warnings.simplefilter("ignore", DeprecationWarning)
            self._tokenizer = lltokenizer_from_vocab(vocab, eos_token=end_tokens)
        self._piece = piece
        pieces = [piece(token) for token in range(self._tokenizer.vocab_size)]
        self._closing = {
            True: np.array([len(p) if _CLOSES_TEXT.fullmatch(p) else 0 for p in pieces]),
            False: np.array([len(p) if _CLOSES_REST.fullmatch(p) else 0 for p in pieces]),
        }

    def start(self, grammar: str) -> Mask:
        """The mask of an answer that begins now.

        Raises:
            ModelError: if ``llguidance`` refuses the grammar.
        """
        from llguidance import LLMatcher

        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise ModelError(f"The grammar cannot be used: {_first_line(matcher.get_error())}.", fix="Simplify it.")
        return Mask(matcher, self._piece, self._closing)


class Mask:
    """Follows one answer through its grammar.

    Args:
        matcher: the grammar's state.
        piece: bytes of a token.
        closing: by whether a JSON text is open, how much each token closes of a JSON value.

    Attributes:
        in_value: the mark of :meth:`watch_for` has come.
    """

    def __init__(self, matcher: Any, piece: Callable[[int], bytes], closing: dict[bool, NDArray[np.int_]]) -> None:
        self._matcher, self._piece, self._closing = matcher, piece, closing
        self._bits = np.zeros((closing[True].size + 31) // 32, np.int32)
        self._place = JsonPlace()
        self._mark, self._tail = b"", b""
        self.in_value = False

    @property
    def complete(self) -> bool:
        """Nothing may follow any more."""
        return bool(self._matcher.is_stopped())

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """A copy in which every token that may not come next is at minus infinity.

        Raises:
            ModelError: if the grammar became too large to follow.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.nbytes)
        self._check()
        allowed = np.unpackbits(self._bits.view(np.uint8), bitorder="little")[: logits.size].view(np.bool_)
        masked = np.full_like(logits, -np.inf)
        np.copyto(masked[: allowed.size], logits[: allowed.size], where=allowed)
        return masked

    def close(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Like :meth:`apply`, for a JSON value that must come to its end: what closes most of it goes first.

        Raises:
            ModelError: if the grammar became too large to follow.
        """
        masked = self.apply(logits)
        closing = self._closing[self._place.in_text]
        closing = np.where(np.isfinite(masked[: closing.size]), closing, 0)
        if closing.any():
            masked[: closing.size][closing < closing.max()] = -np.inf
            masked[closing.size :] = -np.inf
        return masked

    def watch_for(self, mark: str) -> None:
        """From this mark on the answer is a JSON value; before it, it is a text."""
        self._mark = mark.encode()

    def repeats_name(self, token: int) -> bool:
        """Whether an object would have a name twice with this token; that is beyond what a grammar can forbid."""
        return self._place.would_repeat(self._piece(token))

    def take(self, token: int) -> list[int]:
        """Go on by a chosen token; returns the tokens that are forced to come after it, already gone by.

        Raises:
            ModelError: if the grammar does not allow it.
        """
        self._matcher.consume_token(token)
        self._check()
        forced: list[int] = self._matcher.compute_ff_tokens()
        if forced:
            self._matcher.consume_tokens(forced)
            self._check()
        for taken in (token, *forced):
            self._follow(self._piece(taken))
        return forced

    def _follow(self, piece: bytes) -> None:
        """Keep in mind where in the JSON value it stands; what comes before the mark is none."""
        if self._mark and not self.in_value:
            self._tail += piece
            at = self._tail.find(self._mark)
            if at < 0:
                self._tail = self._tail[-len(self._mark) :]
                return
            piece, self.in_value = self._tail[at + len(self._mark) :], True
        self._place.feed(piece)

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ModelError(
                f"The answer could not be held to its schema: {_first_line(self._matcher.get_error())}.",
                fix="Simplify the schema.",
            )


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip().rstrip(".")
