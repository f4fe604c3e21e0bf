"""A thread that fits a budget of tokens: the newest turns as they are, older ones condensed, the oldest left out.

What is condensed is condensed in steps: when a turn more does not fit, several are shortened at once, down to three
fifths of the budget, and then nothing changes until the rest is full again. Between two steps a prompt only grows at
its end, and a model that keeps its prefix reads nothing twice. The same turns and the same budget always give the same
prompt, so nothing of it has to be stored, and a lock needs no care of its own: what a tier may not see is not among the
turns that its prompt is made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tierwise.graph.counting import count_tokens
from tierwise.graph.gist import short_answer, short_question
from tierwise.models.base import ChatModel
from tierwise.record import NO_ANSWER, Earlier, Exchange, stated_in
from tierwise.types import Message

OVERHEAD = 8
"""Tokens that a chat template adds to a message, on the safe side."""
# Shares of the budget: what all takes after a step; what stays as it is, and condensed, while anything older can be
# made shorter; what the user told of himself, at most; what the newest turn may take as it is.
_AFTER, _FULL, _SHORT, _STATED, _LAST = 0.6, 0.25, 0.15, 0.1, 0.6
_TOLD, _NOTED = "What I told you earlier in this conversation:", "Noted."


@dataclass(frozen=True, slots=True)
class Digest:
    """The part of a thread that fits.

    Attributes:
        messages: alternating, oldest first.
        tokens: what they take, as counted.
        condensed: turns that are there in short.
        left_out: turns that are not there at all.
        whole: every turn is there as it is: two messages each, in order.
    """

    messages: tuple[Message, ...] = ()
    tokens: int = 0
    condensed: int = 0
    left_out: int = 0
    whole: bool = False


async def digest(earlier: Earlier, budget: int, model: ChatModel) -> Digest:
    """Make a thread fit.

    Args:
        earlier: what was said, as the tier may see it.
        budget: tokens it may take. Prompts of one thread share their beginning only if it is the same for them.
        model: counts the tokens.
    """
    full = [_full(one) for one in earlier.exchanges]
    sizes = await _sizes(full, model)
    if not earlier.before and sum(sizes) <= budget:
        return Digest(tuple(message for pair in full for message in pair), sum(sizes), whole=True)
    short = [_shortened(one, budget, size) for one, size in zip(earlier.exchanges, sizes, strict=True)]
    brief = [_condensed(one, 90, 1, 110) for one in earlier.exchanges]
    stated = [*earlier.stated, *(line for one in earlier.exchanges for line in stated_in(one.asked))]
    lines = dict(zip(stated, await count_tokens(model, stated), strict=True))
    (opening,) = await _sizes([_told([])], model)
    fold = _Fold(earlier, budget, sizes, await _sizes(short, model), await _sizes(brief, model), lines, opening)
    for _ in earlier.exchanges:
        fold.take_in()
    told = [_told(fold.kept)] if fold.kept else []
    shown = [*brief[fold.out : fold.brief], *short[fold.brief : fold.short]]
    kept = set(fold.kept)
    remembered = sum(not kept.isdisjoint(stated_in(one.asked)) for one in earlier.exchanges[: fold.out])
    return Digest(
        tuple(message for pair in (*told, *shown, *full[fold.short :]) for message in pair),
        fold.total,
        remembered + sum(pair != whole for pair, whole in zip(shown, full[fold.out :], strict=False)),
        earlier.before + fold.out - remembered,
    )


@dataclass
class _Fold:
    """The turns taken in one after the other, as if each prompt of the thread had been made.

    Turns before ``out`` are left out but for what the user told of himself (``kept``), those before ``brief`` are in
    their briefest form, those before ``short`` condensed, those after it as they are.
    """

    earlier: Earlier
    budget: int
    full_sizes: list[int]
    short_sizes: list[int]
    brief_sizes: list[int]
    lines: dict[str, int]
    opening: int
    out: int = 0
    brief: int = 0
    short: int = 0
    end: int = 0
    full_sum: int = 0
    short_sum: int = 0
    brief_sum: int = 0
    kept: list[str] = field(default_factory=list)
    kept_sum: int = 0

    def __post_init__(self) -> None:
        self._keep(self.earlier.stated)

    @property
    def total(self) -> int:
        """Tokens of all."""
        return self.full_sum + self.short_sum + self.brief_sum + self.kept_sum

    def take_in(self) -> None:
        """One turn more; a step if it does not fit."""
        self.full_sum += self.full_sizes[self.end]
        self.end += 1
        if self.total <= self.budget:
            return
        aim = _AFTER * self.budget
        while self.total > aim and self.full_sum > _FULL * self.budget and self.short < self.end - 1:
            self._shorten()
        if self.full_sum > _LAST * self.budget:
            self._shorten()
        while self.total > aim and self.short_sum > _SHORT * self.budget and self.brief < min(self.short, self.end - 1):
            self._make_brief()
        while self.total > aim and self.out < self.brief:
            self._leave_out()
        while self.total > self.budget and self.out < self.end:
            if self.brief == self.out:
                if self.short == self.brief:
                    self._shorten()
                self._make_brief()
            self._leave_out()

    def _shorten(self) -> None:
        self.full_sum -= self.full_sizes[self.short]
        self.short_sum += self.short_sizes[self.short]
        self.short += 1

    def _make_brief(self) -> None:
        self.short_sum -= self.short_sizes[self.brief]
        self.brief_sum += self.brief_sizes[self.brief]
        self.brief += 1

    def _leave_out(self) -> None:
        self.brief_sum -= self.brief_sizes[self.out]
        self._keep(stated_in(self.earlier.exchanges[self.out].asked))
        self.out += 1

    def _keep(self, stated: Sequence[str]) -> None:
        """Keep what was told, the newest if it is too much."""
        self.kept = [*(line for line in self.kept if line not in stated), *dict.fromkeys(stated)]
        room = _STATED * self.budget
        while self.kept and self._told_sum() > room:
            self.kept.pop(0)
        self.kept_sum = self._told_sum() if self.kept else 0

    def _told_sum(self) -> int:
        # A line takes its mark and its end beside its words.
        return self.opening + sum(self.lines[line] + 3 for line in self.kept)


async def _sizes(pairs: Sequence[tuple[Message, Message]], model: ChatModel) -> list[int]:
    counted = await count_tokens(model, [message.content for pair in pairs for message in pair])
    return [left + right + 2 * OVERHEAD for left, right in zip(counted[::2], counted[1::2], strict=True)]


def _full(one: Exchange) -> tuple[Message, Message]:
    return Message("user", one.asked), Message("assistant", one.text or NO_ANSWER)


def _shortened(one: Exchange, budget: int, size: int) -> tuple[Message, Message]:
    """A turn in short; one that takes most of the budget is not cut to less than it needs to be."""
    if size <= _LAST * budget:
        return _condensed(one, 200, 2, 260)
    half = budget // 2  # in characters: an eighth of the budget or so
    return _condensed(one, max(half, 200), max(half // 50, 2), max(half, 260))


def _condensed(one: Exchange, question: int, sentences: int, answer: int) -> tuple[Message, Message]:
    """Who said what stays apart: an answer may repeat what a document says, and that must not speak for the user."""
    text = short_answer(one.asked, one.text, sentences, answer) or NO_ANSWER
    return Message("user", short_question(one.asked, question)), Message("assistant", text)


def _told(lines: Sequence[str]) -> tuple[Message, Message]:
    return Message("user", "\n".join([_TOLD, *(f"- {line}" for line in lines)])), Message("assistant", _NOTED)
