"""Is a draft right? By a gold answer, or, where there is none, by a larger tier's answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from tierwise.errors import InvalidInput, ModelError
from tierwise.verify.citing.facts import Facts, facts_of
from tierwise.verify.citing.negation import differs
from tierwise.verify.final import Final, final_answer, same_answer, same_text
from tierwise.verify.phrases import refusal
from tierwise.verify.sentences import split_sentences
from tierwise.verify.shapes import kind_of
from tierwise.verify.values import letter_of, number_of, plain_words, same_number
from tierwise.words import content_words, words

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

_LONGEST = 800  # characters of a sentence
_PIECES = 100  # sentences of an answer
How = Literal["auto", "number", "choice", "exact", "contains", "regex"]
HOWS: tuple[str, ...] = get_args(How)
"""The ways to grade."""


def grade(text: str, gold: str, how: str = "auto") -> bool:
    """Whether a draft gives the gold answer.

    Args:
        text: the draft.
        gold: what is right.
        how: the way to grade.

            * ``auto``: by what the gold answer looks like. A number, an option's letter or a Python or JSON literal is
              compared with the draft's final answer. Words are right if they are the final answer, or if one sentence
              of the answer has all of the gold's content words, numbers and names, and denies none of them. If the
              draft states its answer, only what it states counts.
            * ``number``, ``choice``: the final answer is that number or letter.
            * ``exact``: the draft or its final answer is the gold, character by character, blanks around it aside.
            * ``contains``: the gold stands in the draft as whole words; case and line breaks do not matter.
            * ``regex``: the gold, a regular expression, is found in the draft; case does not matter.

    Returns:
        ``False``, too, if the draft has no final answer or none that can be compared.

    What it cannot see: synonyms, equal formulas in different forms, units in words (60 km is 60), and a draft that
    hedges by naming several answers in one sentence ("Paris or Lyon").

    Raises:
        InvalidInput: for an unknown ``how``, an empty gold answer, or a gold answer that is no number, letter or
            regular expression where one is needed.
    """
    check_gold(gold, how)
    if how == "regex":
        return re.search(gold, text, re.IGNORECASE | re.DOTALL) is not None
    if how == "contains":
        wanted = re.escape(" ".join(gold.casefold().split()))
        return re.search(rf"(?<!\w){wanted}(?!\w)", " ".join(text.casefold().split())) is not None
    final = final_answer(text)
    if how == "exact":
        return gold.strip() in (text.strip(), final.meant.strip() if final else None)
    if how == "auto" and kind_of(gold) == "text":
        return _says(text, final, gold)
    if final is None:
        return False
    if how == "number":
        found, wanted_number = number_of(final.meant), number_of(gold)
        return found is not None and wanted_number is not None and same_number(found, wanted_number)
    if how == "choice":
        return letter_of(final.meant) == letter_of(gold.strip().upper())
    if final.meant == gold or same_text(final.meant, gold, final.kind, kind_of(gold)) is True:
        return True
    return final.kind == "text" and _only_number(final.meant, gold)


def check_gold(gold: str | None, how: str = "auto") -> None:
    """Check that a gold answer can be graded this way; without one, that there is such a way.

    Raises:
        InvalidInput: as :func:`grade`, for every draft.
    """
    if how not in HOWS:
        raise InvalidInput(f"There is no way to grade named {how!r}.", fix=f"Use one of: {', '.join(HOWS)}.")
    if gold is None:
        return
    if not gold.strip():
        raise InvalidInput("The gold answer is empty, so nothing can be graded.", fix="Give the right answer.")
    if how == "number" and number_of(gold) is None:
        raise InvalidInput(f"The gold answer {gold[:40]!r} is no number.", fix='Correct it, or grade it "auto".')
    if how == "choice" and letter_of(gold.strip().upper()) is None:
        raise InvalidInput(
            f"The gold answer {gold[:40]!r} is no option's letter.", fix='Correct it, or grade it "auto".'
        )
    if how == "regex":
        try:
            re.compile(gold)
        except (re.error, RecursionError, OverflowError) as error:
            raise InvalidInput(
                f"The gold answer {gold[:40]!r} is no regular expression: {error}.", fix="Correct it."
            ) from error


def _only_number(answer: str, gold: str) -> bool:
    """The answer in words has one number, and it is the gold: "It lasts twenty-four months"."""
    wanted = number_of(gold)
    found = {number.value for number in facts_of(answer[:_LONGEST]).numbers}
    number = number_of(found.pop()) if len(found) == 1 else None
    return wanted is not None and number is not None and same_number(number, wanted)


def _says(text: str, final: Final | None, gold: str) -> bool:
    if final is not None:
        if plain_words(final.meant) == plain_words(gold):
            return True
        if final.source == "stated" or (final.source == "whole" and final.kind != "text"):
            text = final.meant
    if not content_words(gold) and not re.search(r"\d", gold):  # "yes", "not": words that say nothing by themselves
        return words(text)[: len(words(gold))] == words(gold) != []
    return _stands_in(gold, _pieces(text))


def _pieces(text: str) -> list[str]:
    """The sentences that say something, each cut at a length that no sentence has: reading facts is not linear."""
    pieces = (text[s.start : min(s.end, s.start + _LONGEST)] for s in split_sentences(text))
    return [piece for piece in pieces if not piece.endswith("?") and refusal(piece) is None]


def _stands_in(wanted: str, sentences: Sequence[str]) -> bool:
    """All that the wanted words state stands in one sentence, and neither denies what the other says."""
    stems, mine = set(content_words(wanted)), facts_of(wanted[:_LONGEST])
    return any(_states(mine, facts_of(one)) for one in sentences if stems <= set(content_words(one)))


def _states(mine: Facts, theirs: Facts) -> bool:
    numbers = {number.value for number in theirs.numbers}
    if not all(number.value in numbers for number in mine.numbers) or not mine.marks <= theirs.marks:
        return False
    return not differs(mine.negations, mine.content, theirs.negations)


# -- without a gold answer ---------------------------------------------------------------------------------------------

_LIKE, _UNLIKE = 0.85, 0.25
"""Cosines of sentence embeddings that count as the same and as unrelated; between them agreement rises evenly."""


def agrees(answer: str, reference: str, embedder: Embedder | None = None) -> float:
    """How far an answer agrees with a larger tier's, as a label where there is no gold answer.

    If both have a final answer that is a number, letter, literal, yes or no, 1 or 0. If one short answer in words says
    all that the other says, 1. Else a soft label: the mean of what is shared in hard facts (numbers, dates, names;
    counted twice), in content words, and the cosine of the embeddings. It is at most a quarter where one sentence
    denies the other. A refusal agrees with a refusal and with no answer.

    Args:
        answer: the draft to label.
        reference: the larger tier's answer to the same question.
        embedder: compares what shares few words; without one, or when it fails, facts and words decide.

    Returns:
        A number in [0, 1].

    What it cannot see: that the larger tier is wrong, so it measures whether escalating would have changed the answer,
    not whether the answer is right; that two long answers differ in one plain word; which of two true answers is
    better. Soft labels of long texts are uncalibrated: compare them with each other, not with 1.
    """
    refused = _refuses(answer), _refuses(reference)
    if any(refused):
        return float(all(refused))
    mine, theirs = final_answer(answer), final_answer(reference)
    if mine is not None and theirs is not None:
        same = same_answer(mine, theirs)
        if same is True:
            return 1.0
        if same is False and _is_hard(mine, theirs):
            return 0.0
        if "text" in (mine.kind, theirs.kind) and (_covers(mine, theirs) or _covers(theirs, mine)):
            return 1.0
    return _alike(answer, reference, embedder)


def _refuses(text: str) -> bool:
    return final_answer(text) is None and refusal(text[:400]) is not None


def _is_hard(mine: Final, theirs: Final) -> bool:
    """Whether a difference between the two settles it: guesses of last numbers and free words do not."""
    if mine.kind == theirs.kind == "text":
        return {plain_words(mine.meant), plain_words(theirs.meant)} == {"yes", "no"}
    return "last" not in (mine.source, theirs.source) or mine.source != theirs.source


def _covers(one: Final, other: Final) -> bool:
    return one.kind == "text" and bool(content_words(one.meant)) and _stands_in(one.meant, [other.meant[:_LONGEST]])


def _alike(answer: str, reference: str, embedder: Embedder | None) -> float:
    mine, theirs = ([facts_of(piece) for piece in _pieces(text)[:_PIECES]] for text in (answer, reference))
    parts: list[float] = []
    facts = _dice(_hard(mine), _hard(theirs))
    if facts is not None:
        parts += [facts, facts]
    shared = _dice(set(content_words(answer)), set(content_words(reference)))
    if shared is not None:
        parts.append(shared)
    cosine = _cosine((answer, reference), embedder)
    if cosine is not None:
        parts.append(min(1.0, max(0.0, (cosine - _UNLIKE) / (_LIKE - _UNLIKE))))
    score = sum(parts) / len(parts) if parts else float(plain_words(answer) == plain_words(reference))
    # Of many sentences one may well deny what another says of something else.
    denied = len(mine) == len(theirs) == 1 and differs(mine[0].negations, mine[0].content, theirs[0].negations)
    return min(score, 0.25) if denied else score


def _hard(facts: Sequence[Facts]) -> set[str]:
    return {hard for one in facts for hard in (*(number.value for number in one.numbers), *one.marks, *one.names)}


def _dice(one: set[str], other: set[str]) -> float | None:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else None


def _cosine(texts: Sequence[str], embedder: Embedder | None) -> float | None:
    if embedder is None:
        return None
    try:
        first, second = embedder.embed(texts)
    except ModelError:  # an embedder may be a server, which may be down
        return None
    return float(first @ second)
