"""Sentences that say what a passage says, made by rule: for measuring what is cited.

Each maker takes a sentence of a passage and gives one that says the same, or ``None`` where it does not lend itself
to that.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tierwise.types import Passage
from tierwise.verify.sentences import split_sentences

WORD = re.compile(r"[A-Za-z][a-z]+(?:'[a-z]+)?")
NUMBER = re.compile(r"(?<![\w.,/\[-])\d+(?:,\d{3})*(?:\.\d+)?(?![\w/-]|\.\d)")


@dataclass(frozen=True, slots=True)
class Material:
    """What a maker works with: the sentence, its passage, all passages given, sentences of other files, chance."""

    sentence: str
    passage: Passage
    given: Sequence[Passage]
    elsewhere: Sequence[str]
    question: str
    rng: random.Random


Maker = Callable[[Material], str | None]


def usable(passage: Passage) -> list[str]:
    """The sentences of a passage that are whole sentences of prose."""
    found = []
    for place in split_sentences(passage.text):
        text = passage.text[place.start : place.end]
        if place.code or place.heading or not 6 <= len(text.split()) <= 32 or "|" in text or "\u2026" in text:
            continue
        if text[0].isupper() and text.endswith(".") and sum(c.isalpha() or c == " " for c in text) > 0.85 * len(text):
            found.append(re.sub(r"\s+", " ", text))
    return found


def verbatim(m: Material) -> str | None:
    return m.sentence


def with_lead_in(m: Material) -> str | None:
    if not re.match(r"(?:The|This|If|When|It|In|A|An|By|To|For)\b", m.sentence):
        return None
    return f"According to the documentation, {m.sentence[0].lower()}{m.sentence[1:]}"


def without_remark(m: Material) -> str | None:
    shorter = re.sub(r"\s*\([^()]*\)", "", m.sentence)
    return shorter if shorter != m.sentence and len(shorter.split()) >= 6 else None


def clause_moved(m: Material) -> str | None:
    if match := re.fullmatch(r"(If|When|Because|Since|Although) ([^,]+), ([^,]+)\.", m.sentence):
        first, condition, rest = match.groups()
        rest = re.sub(r"^then ", "", rest)
        return f"{rest[0].upper()}{rest[1:]} {first.lower()} {condition}."
    if match := re.fullmatch(r"([^,]{20,}) (if|when|because) ([^,]{12,})\.", m.sentence):
        rest, word, condition = match.groups()
        return f"{word.capitalize()} {condition}, {rest[0].lower()}{rest[1:]}."
    return None


def contracted(m: Material) -> str | None:
    for long, short in (("do not", "don't"), ("does not", "doesn't"), ("cannot", "can't"), ("is not", "isn't")):
        if f" {long} " in m.sentence:
            return m.sentence.replace(f" {long} ", f" {short} ", 1)
    return None


_SYNONYMS = (
    "deletes:removes delete:remove deleted:removed shows:displays show:display begins:starts begin:start creates:makes "
    "created:made requires:needs required:needed permits:allows allowed:permitted specified:given chosen:selected "
    "changes:modifies changed:modified directory:folder errors:mistakes large:big small:little repository:repo "
    "fails:fails prevents:avoids obtain:get verify:check searches:looks entire:whole finishes:ends purchase:buy "
    "automatically:automatically approximately:about maximum:max multiple:several additional:further usually:normally"
)


def synonyms(m: Material) -> str | None:
    pairs = dict(pair.split(":") for pair in _SYNONYMS.split())
    changed = WORD.sub(lambda w: pairs.get(w[0], w[0]), m.sentence)
    return changed if changed != m.sentence else None


def number_in_words(m: Material) -> str | None:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    match = NUMBER.search(m.sentence)
    if (
        match is None
        or not match[0].isdigit()
        or not 2 <= int(match[0]) <= 12
        or not m.sentence[match.end() :][1:2].isalpha()
    ):
        return None
    return m.sentence[: match.start()] + words[int(match[0])] + m.sentence[match.end() :]


def first_statement(m: Material) -> str | None:
    match = re.match(r"([^,;]{30,})(?:, (?:and|but|so) (?:the|it|this|they|a|an|you)\b|; ).{15,}", m.sentence)
    return f"{match[1]}." if match and not re.match(r"(?:If|When|Unless|Although|While)\b", match[1]) else None


def two_statements(m: Material) -> str | None:
    others = [
        s for s in usable(m.passage) if s != m.sentence and not re.match(r"(?:It|This|These|They|That|Such)\b", s)
    ]
    if not others or re.match(r"(?:If|When|Unless)\b", m.sentence):
        return None
    other = m.rng.choice(others)
    return f"{m.sentence[:-1]}; {other}"


TRUE: dict[str, Maker] = {
    "verbatim": verbatim,
    "lead-in": with_lead_in,
    "remark left out": without_remark,
    "clause moved": clause_moved,
    "contracted": contracted,
    "synonyms": synonyms,
    "number in words": number_in_words,
    "first statement": first_statement,
    "two statements": two_statements,
}
