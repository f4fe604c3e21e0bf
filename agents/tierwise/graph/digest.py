"""A thread that fits a budget of tokens: the newest turns as they are, older ones condensed, the oldest left out.

What is condensed is condensed in steps: when a turn more does not fit, several are shortened at once, down to three
fifths of the budget, and then nothing changes until the rest is full again. Between two steps a prompt only grows at
its end, and a model that keeps its prefix reads nothing twice. The same turns and the same budget always give the same
prompt, so nothing of it has to be stored, and a lock needs no care of its own: what a tier may not see is not among the
turns that its prompt is made from.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from tierwise.graph.counting import count_tokens
from tierwise.graph.gist import short_answer, short_question
from tierwise.graph.per_model import PerModel
from tierwise.graph.said import Said, text_with_calls
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
        whole: every turn is there as it is, in order.
        groups: the messages of each turn where all are there as a caller sent them; else a turn has two.
    """

    messages: tuple[Message, ...] = ()
    tokens: int = 0
    condensed: int = 0
    left_out: int = 0
    whole: bool = False
    groups: tuple[tuple[Message, ...], ...] = ()


async def as_it_is(said: Said, room: int, model: ChatModel) -> Digest | None:
    """A conversation as the caller sent it; ``None`` if it takes more than ``room``, or the record keeps it."""
    if said.groups is None:
        return None
    messages = [message for group in said.groups for message in group]
    tokens = sum(await count_tokens(model, list(map(text_with_calls, messages)))) + OVERHEAD * len(messages)
    return Digest(tuple(messages), tokens, whole=True, groups=said.groups) if tokens <= room else None


async def digest(earlier: Earlier, budget: int, model: ChatModel) -> Digest:
    """Make a thread fit.

    Args:
        earlier: what was said, as the tier may see it.
        budget: tokens it may take. Prompts of one thread share their beginning only if it is the same for them.
        model: counts the tokens.
    """
    folds = _folds.of(model)
    marks = _marks(earlier, budget)
    fold = _continued(folds, marks) or _Fold(budget, earlier.before)
    new = earlier.exchanges[len(fold.sizes) :]
    fold.sizes += await _sizes([_full(one) for one in new], model)
    if not earlier.before and sum(fold.sizes) <= budget:
        _keep(folds, marks[-1], fold)
        return Digest(tuple(m for one in earlier.exchanges for m in _full(one)), sum(fold.sizes), whole=True)
    await _take_in(fold, earlier, model)
    _keep(folds, marks[-1], fold)
    told = [_told(fold.kept)] if fold.kept else []
    shown = [*fold.briefs[fold.out : fold.brief], *fold.shorts[fold.brief : fold.short]]
    full = [_full(one) for one in earlier.exchanges[fold.out :]]
    kept = set(fold.kept)
    remembered = sum(not kept.isdisjoint(stated) for stated in fold.stated_before)
    return Digest(
        tuple(message for pair in (*told, *shown, *full[len(shown) :]) for message in pair),
        fold.total,
        remembered + sum(pair != whole for pair, whole in zip(shown, full, strict=False)),
        earlier.before + fold.out - remembered,
    )


async def _take_in(fold: _Fold, earlier: Earlier, model: ChatModel) -> None:
    """Take in the turns that the fold does not have yet."""
    begin = len(fold.shorts)  # a thread that fitted until now has none
    new = earlier.exchanges[begin:]
    shorts = [_shortened(one, fold.budget, size) for one, size in zip(new, fold.sizes[begin:], strict=True)]
    briefs = [_condensed(one, 90, 1, 110) for one in new]
    stated = [*(() if fold.opening else earlier.stated), *(line for one in new for line in stated_in(one.asked))]
    short_sizes, brief_sizes = await _sizes(shorts, model), await _sizes(briefs, model)
    lines = dict(zip(stated, await count_tokens(model, stated), strict=True))
    opening = fold.opening or (await _sizes([_told([])], model))[0]
    # Nothing is awaited from here on: a turn that is stopped leaves no half of a fold behind.
    fold.shorts += shorts
    fold.briefs += briefs
    fold.short_sizes += short_sizes
    fold.brief_sizes += brief_sizes
    fold.lines |= lines
    if not fold.opening:
        fold.opening = opening
        fold.keep(earlier.stated)
    while fold.end < len(earlier.exchanges):
        fold.take_in(earlier.exchanges)


# A fold is continued when the thread has a turn more, so that what a turn costs does not grow with its thread. The key
# is a hash of all that it was made from.
_MOST_FOLDS = 64  # a model; each holds the short forms of a thread's turns, some ten kB
_folds: PerModel[OrderedDict[bytes, _Fold]] = PerModel(OrderedDict)


def _marks(earlier: Earlier, budget: int) -> list[bytes]:
    """What names the thread after none of its turns, the first, the first two, and so on."""
    chain = blake2b(json.dumps([budget, earlier.before, earlier.stated]).encode(), digest_size=16)
    marks = [chain.digest()]
    for one in earlier.exchanges:
        for text in (one.asked, one.text):
            data = text.encode("utf-8", "surrogatepass")
            chain.update(len(data).to_bytes(8, "big") + data)
        marks.append(chain.digest())
    return marks


def _continued(folds: OrderedDict[bytes, _Fold], marks: Sequence[bytes]) -> _Fold | None:
    """A copy of the longest fold that is a beginning of the thread."""
    for mark in reversed(marks):
        if (found := folds.get(mark)) is not None:
            if mark != marks[-1]:
                del folds[mark]  # its place is taken by the longer one
            return found.copied()
    return None


def _keep(folds: OrderedDict[bytes, _Fold], mark: bytes, fold: _Fold) -> None:
    folds[mark] = fold
    folds.move_to_end(mark)
    while len(folds) > _MOST_FOLDS:
        folds.popitem(last=False)


@dataclass
class _Fold:
    """The turns taken in one after the other, as if each prompt of the thread had been made.

    Turns before ``out`` are left out but for what the user told of himself (``kept``), those before ``brief`` are in
    their briefest form, those before ``short`` condensed, those after it as they are. ``sizes`` may be ahead of the
    rest: of a thread that fits as it is nothing else is needed.
    """

    budget: int
    before: int
    sizes: list[int] = field(default_factory=list)
    shorts: list[tuple[Message, Message]] = field(default_factory=list)
    briefs: list[tuple[Message, Message]] = field(default_factory=list)
    short_sizes: list[int] = field(default_factory=list)
    brief_sizes: list[int] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    opening: int = 0
    out: int = 0
    brief: int = 0
    short: int = 0
    end: int = 0
    full_sum: int = 0
    short_sum: int = 0
    brief_sum: int = 0
    kept: list[str] = field(default_factory=list)
    kept_sum: int = 0
    stated_before: list[tuple[str, ...]] = field(default_factory=list)  # in the turns that are left out

    def copied(self) -> _Fold:
        """The same; what is done to one is not done to the other."""
        copy = replace(self)
        for name, value in vars(copy).items():
            if isinstance(value, list | dict):
                setattr(copy, name, value.copy())
        return copy

    @property
    def total(self) -> int:
        """Tokens of all."""
        return self.full_sum + self.short_sum + self.brief_sum + self.kept_sum

    def take_in(self, exchanges: Sequence[Exchange]) -> None:
        """One turn more of those of the thread; a step if it does not fit."""
        self.full_sum += self.sizes[self.end]
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
            self._leave_out(exchanges)
        while self.total > self.budget and self.out < self.end:
            if self.brief == self.out:
                if self.short == self.brief:
                    self._shorten()
                self._make_brief()
            self._leave_out(exchanges)

    def _shorten(self) -> None:
        self.full_sum -= self.sizes[self.short]
        self.short_sum += self.short_sizes[self.short]
        self.short += 1

    def _make_brief(self) -> None:
        self.short_sum -= self.short_sizes[self.brief]
        self.brief_sum += self.brief_sizes[self.brief]
        self.brief += 1

    def _leave_out(self, exchanges: Sequence[Exchange]) -> None:
        self.brief_sum -= self.brief_sizes[self.out]
        stated = stated_in(exchanges[self.out].asked)
        if stated:
            self.stated_before.append(stated)
        self.keep(stated)
        self.out += 1

    def keep(self, stated: Sequence[str]) -> None:
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
