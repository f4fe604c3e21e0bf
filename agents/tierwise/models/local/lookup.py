"""Prompt-lookup drafting: what came after the same words in the prompt probably comes next (Saxena 2023).

An answer that quotes a passage repeats its tokens. Several guessed tokens are computed in one step with the last one
and kept as far as the model chooses the same, so the text is what it would have been. A step with four rows costs about
two steps with one on a CPU, so a guess must be right more often than not: the first ones need a longer run of equal
tokens, and guesses that fail pause the guessing.
"""

from __future__ import annotations

from collections.abc import Sequence

GUESSED = 3  # llama.cpp's CPU kernels take rows in fours
_MATCH = 3  # tokens that must be equal before a guess
_FIRST_MATCH = 5  # as long as none has been right
_PAYS = 1.4  # guessed tokens kept per guess, on average, below which guessing costs more than it gives
_MEMORY = 0.7  # weight of the past in that average
_START = 2.0
_PAUSE = 16  # tokens without guessing, twice as many each time


class Lookup:
    """Guesses the next tokens of one answer.

    Args:
        prompt: its prompt, whose runs of tokens are looked up.
    """

    def __init__(self, prompt: Sequence[int]) -> None:
        self._text = list(prompt)
        self._after: dict[tuple[int, ...], int] = {}
        for end in range(_MATCH, len(self._text)):
            self._after[tuple(self._text[end - _MATCH : end])] = end
        self._match = _FIRST_MATCH
        self._kept = _START
        self._pause, self._rest = _PAUSE, 0

    def guess(self, answer: Sequence[int]) -> list[int]:
        """At most :data:`GUESSED` tokens that may follow, none if nothing speaks for it.

        Args:
            answer: tokens of the answer so far.
        """
        if self._rest > 0:
            self._rest -= 1
            return []
        if len(answer) < self._match:
            return []
        found = self._after.get(tuple(answer[-_MATCH:]))
        if found is None or self._text[max(0, found - self._match) : found] != list(answer[-self._match :]):
            return []
        return self._text[found : found + GUESSED]

    def note(self, kept: int) -> None:
        """Tell how many of the last guess the model chose as well."""
        self._match = _MATCH if kept else _FIRST_MATCH
        self._kept = _MEMORY * self._kept + (1 - _MEMORY) * kept
        if self._kept < _PAYS:
            self._kept, self._rest = _PAYS, self._pause
            self._pause *= 2
