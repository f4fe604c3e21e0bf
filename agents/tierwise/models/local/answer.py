"""One answer while it is written: which tokens come next, what they say, when it ends. Computes nothing itself."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tierwise.errors import ModelError
from tierwise.models.local.lookup import Lookup
from tierwise.models.local.masks import Mask
from tierwise.models.local.sampling import Sampler, measure
from tierwise.models.stops import StopFilter

_TO_CLOSE = 48  # tokens kept for closing a JSON value
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Generation:
    """How to decode: see :class:`~tierwise.models.base.ChatRequest`.

    ``closes`` says that the grammar is one JSON value, which is brought to its end when the room for it runs short, and
    ``closes_after`` that one may begin behind a mark in the text;
    ``among`` that evidence is measured among the tokens the grammar allows; ``floor`` is how many first tokens must
    have which mean log-probability for the answer to go on.
    """

    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    evidence: bool = True
    lookup: bool = True
    closes: bool = False
    closes_after: str | None = None
    among: bool = False
    floor: tuple[int, float] | None = None


@dataclass
class Outcome:
    """What an answer ended with; filled in while it is written.

    Attributes:
        guessed: tokens guessed from the prompt.
        kept: how many of them the model chose as well.
        forced: tokens that the grammar left no choice about; they have no evidence.
        evicted: stored conversations that had to go for this one.
    """

    finish: str = "length"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    guessed: int = 0
    kept: int = 0
    forced: int = 0
    evicted: int = 0
    logprobs: list[float] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


class Answer:
    """Prompt and answer of one request as tokens, and the text they become.

    Args:
        prompt: token ids, at least one.
        how: limits and sampling.
        room: tokens that the window leaves for the answer.
        mask: what a grammar allows; ``None`` allows everything.
        piece: bytes of a token.
        ends: whether a token ends an answer.

    Attributes:
        tokens: everything that is to be computed: the prompt, then what has been chosen.
        done: nothing more will be chosen.
    """

    def __init__(
        self,
        prompt: Sequence[int],
        how: Generation,
        *,
        room: int,
        mask: Mask | None,
        piece: Callable[[int], bytes],
        ends: Callable[[int], bool],
    ) -> None:
        self.tokens = list(prompt)
        self.outcome = Outcome(prompt_tokens=len(prompt))
        self.done = False
        self.limit = min(how.max_tokens, room)
        self._prompt_length = len(prompt)
        self._evidence, self._among, self._floor = how.evidence, how.among, how.floor
        self._characters_written = 0
        # A value that is closed early is valid; one that is cut is nothing.
        self._close_from = self.limit - min(_TO_CLOSE, self.limit // 3)
        self._closes = how.closes
        if mask is not None and how.closes_after is not None:
            mask.watch_for(how.closes_after)
        self._mask = mask
        self._piece, self._ends = piece, ends
        self._sampler = Sampler(how.temperature, how.seed)
        self._lookup = Lookup(prompt) if how.lookup and mask is None else None
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopFilter(how.stop)
        self._begun = False
        self._text: list[str] = []

    @property
    def written(self) -> int:
        """Tokens of the answer so far."""
        return len(self.tokens) - self._prompt_length

    def guess(self) -> list[int]:
        """Tokens worth computing beyond those that are chosen."""
        if self._lookup is None or self.done:
            return []
        room = max(0, self.limit - self.written - 1)
        return self._lookup.guess(self.tokens[self._prompt_length :])[:room]

    def choose(self, rows: Sequence[Callable[[], Logits]], guessed: Sequence[int]) -> int:
        """Choose the next token, and one more for every guess that was right.

        Args:
            rows: logits after the last token, then after each guessed one.
            guessed: as :meth:`guess` gave them.

        Returns:
            How many of ``guessed`` are now part of :attr:`tokens`, and so have been computed already.

        Raises:
            ModelError: if the model computes something that is not a number.
        """
        kept = 0
        for index, logits in enumerate(rows):
            token = self._next(logits())
            if self.done or index == len(guessed) or token != guessed[index]:
                break
            kept += 1
        if guessed:
            assert self._lookup is not None
            self._lookup.note(kept)
            self.outcome.guessed += len(guessed)
            self.outcome.kept += kept
        return kept

    def text(self) -> str:
        """What can be shown since the last call; half a character never is."""
        ready, self._text = "".join(self._text), []
        return ready

    def _next(self, logits: Logits) -> int:
        token, allowed = self._picked(logits)
        if self._evidence:
            self._measure(allowed if self._among else logits, token)
        if self._ends(token):
            self.outcome.completion_tokens += 1
            self._finish("stop")
            return token
        if self._is_doubted():
            self.outcome.completion_tokens += 1
            self._finish("doubted")
            return token
        self._take(token)
        if self._mask is not None and not self.done:
            for forced in self._mask.take(token):
                if self.done:
                    break
                self.outcome.forced += 1
                self._take(forced)
            if self._mask.complete and not self.done:
                self._finish("length" if self._hurries else "stop")
        return token

    def _picked(self, logits: Logits) -> tuple[int, Logits]:
        """The token to take, and the logits of all that might have been."""
        if self._mask is None:
            return self._sampler.pick(logits), logits
        ways = (self._mask.close, self._mask.apply) if self._hurries else (self._mask.apply,)
        for way in ways:
            allowed = way(logits)
            while np.isfinite(allowed).any():
                token = self._sampler.pick(allowed)
                if not self._mask.repeats_name(token):
                    return token, allowed
                allowed[token] = -np.inf
        allowed = self._mask.apply(logits)  # there is no way but to repeat a name
        return self._sampler.pick(allowed), allowed

    @property
    def _hurries(self) -> bool:
        in_value = self._closes or (self._mask is not None and self._mask.in_value)
        return in_value and self.written > self._close_from

    def _take(self, token: int) -> None:
        self.tokens.append(token)
        self.outcome.completion_tokens += 1
        text = self._characters.decode(self._piece(token))
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        self._characters_written += len(text)
        self._text.append(self._stops.feed(text))
        if self._stops.hit:
            self._finish("stop")
        elif self.written >= self.limit:
            self._finish("length")

    def _finish(self, how: str) -> None:
        self.done = True
        self.outcome.finish = how
        # Bytes of an unfinished character are dropped: half a character is worse than none.
        self._text.append(self._stops.rest())

    def _measure(self, logits: Logits, token: int) -> None:
        try:
            logprob, margin, entropy = measure(logits, token)
        except FloatingPointError as error:
            raise ModelError(
                "The model computed something that is not a number.", fix="Its file may be damaged: get it again."
            ) from error
        self.outcome.logprobs.append(logprob)
        self.outcome.margins.append(margin)
        self.outcome.entropies.append(entropy)
        self.outcome.starts.append(self._characters_written)

    def _is_doubted(self) -> bool:
        """The first tokens are together, and the model was not sure enough of them."""
        logprobs = self.outcome.logprobs
        if self._floor is None or len(logprobs) != self._floor[0]:
            return False
        return sum(logprobs) / len(logprobs) < self._floor[1]
