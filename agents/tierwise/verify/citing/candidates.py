"""Which spans say what a claim says: the rules, before anything is embedded."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from tierwise.types import Passage
from tierwise.verify.citing.claims import Claim, read_claim
from tierwise.verify.citing.facts import Facts, contradiction, facts_of
from tierwise.verify.citing.kept import begins_alike, is_about, is_shuffled, modals_hold, numbers_belong, without_topic
from tierwise.verify.citing.relations import same_relation
from tierwise.verify.citing.rows import row_supports
from tierwise.verify.citing.spans import Span, spans_of, title_of


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a span counts as support; chosen on labelled pairs.

    Attributes:
        cosine_weight: share of the cosine in the score; the rest is coverage.
        score: lowest score of support.
        core_score: the same for what a sentence says beyond its question, whose words have been matched already.
        surely: coverage from which the words alone are enough, and nothing is embedded.
        hopeless: coverage under which no cosine helps.
        words_only: lowest coverage of support without an embedder.
    """

    cosine_weight: float = 0.6
    score: float = 0.6
    core_score: float = 0.5
    surely: float = 0.8
    hopeless: float = 0.2
    words_only: float = 0.6


THRESHOLDS = Thresholds()
_LENGTH = 2  # more changed no outcome on the labelled pairs and cost an embedding each
HINT = 0.03  # a span of a passage that the model itself named wins a near tie, no more
_PART = 0.35
_REPEATED = 0.5  # share of a claim that may be a repetition of its question
_AND = re.compile(r"(?:,?\s+(?:and|but|while|whereas)|;)\s+")
_PRONOUN = re.compile(r"(?:it|they|he|she|this|these|that|those|its|their|his|her)\b", re.IGNORECASE)
_VERBATIM = 4  # words from which a claim that stands in a passage word for word needs nothing else
_HALF = 2  # words that carry meaning in each half of a sentence of two statements


@dataclass(frozen=True, slots=True)
class Given:
    """The passages, read."""

    passages: Sequence[Passage]
    spans: Sequence[tuple[int, Span]]  # with the number of the passage
    titles: Sequence[Facts]
    rarity: dict[str, float]  # weight of a key: 1 if it stands in one span, less the more spans have it


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may support a claim."""

    passage: int
    span: Span
    claim_text: str  # as compared with this span, with or without its question
    coverage: float
    hinted: bool
    core: bool = False  # its claim repeats the question around what the span says


def read(passages: Sequence[Passage]) -> Given:
    """Read passages for :func:`shortlist`."""
    spans = [(n, span) for n, passage in enumerate(passages) for span in spans_of(passage.text, passage.head)]
    count = Counter(key for _, span in spans for key in span.keys)
    rarity = {key: 1.0 / (1.0 + 0.25 * math.log(n)) for key, n in count.items()}
    return Given(passages, spans, [title_of(passage) for passage in passages], rarity)


def shortlist(claim: Claim, given: Given, thresholds: Thresholds) -> list[Candidate]:
    """The spans that say what the claim says, those that share most words with it first."""
    candidates = []
    for number, span in given.spans:
        if claim.facts.plain == span.plain and claim.facts.plain.count(" ") > _VERBATIM:
            candidates.append(Candidate(number, span, claim.text, 1.0, number in claim.hints))
            continue
        if (claim.short and not claim.question) or (claim.core and span.parts):
            continue
        title = given.titles[number]
        own = claim.facts.keys & span.keys
        missing = claim.facts.keys - span.keys - title.keys
        if missing and (claim.short or missing - claim.asked.keys):
            continue
        if claim.facts.keys and len(own) <= len(claim.facts.keys) - len(own):
            continue  # more of it would stand in the title and the question than in the span
        keys = (claim.facts.keys - title.keys) or claim.facts.keys
        if any(claim.facts.keys - missing <= part | title.keys for part in span.parts) and claim.facts.keys:
            continue  # one sentence says it, or none does
        if not span.leaning and any(_coverage(keys, part, given.rarity) < _PART for part in span.parts):
            continue
        if claim.short:
            keys = (keys | claim.asked.keys) - title.keys
        coverage = _coverage(keys, span.keys, given.rarity)
        if coverage < (thresholds.hopeless if claim.short else _REPEATED):
            continue
        text = f"{claim.question} {claim.text}" if claim.short else claim.text
        candidates.append(Candidate(number, span, text, coverage, number in claim.hints, claim.core))
    candidates.sort(key=lambda c: (-c.coverage - HINT * c.hinted, len(c.span.quote)))
    # Facts and relations are read last: only few spans share enough words to need them.
    return list(islice((c for c in candidates if _says(c, claim, given.titles[c.passage])), _LENGTH))


def _says(candidate: Candidate, claim: Claim, title: Facts) -> bool:
    span = facts_of(candidate.span.says)
    if claim.facts.plain == candidate.span.plain:
        return claim.facts.numbers <= span.numbers and claim.facts.marks <= span.marks
    if claim.facts.keys & candidate.span.keys - span.keys - span.units and not claim.facts.marks & span.marks:
        return False  # it stands there as a part of an option, a path or the like only, which the claim does not name
    if claim.before is not None and not is_about(span.items, claim.facts.keys | claim.before | title.keys):
        return False
    if is_shuffled(claim.facts.plain, span.plain) or not modals_hold(claim.facts.items, span.items):
        return False
    if contradiction(claim.facts, span, context=title, asked=claim.asked) is not None:
        return False
    if candidate.span.row is not None:
        return row_supports(claim.facts, candidate.span.row)
    items = claim.facts.items
    if not same_relation(items, span.items):
        items = tuple(without_topic(items, span.items, title.keys))
        if len(items) == len(claim.facts.items) or not same_relation(items, span.items):
            return False
    return numbers_belong(items, span.items, claim.asked.keys if claim.short else frozenset())


def two_halves(
    claim: Claim, question: str, given: Given, thresholds: Thresholds
) -> tuple[list[Candidate], list[Candidate]] | None:
    """Spans for the two statements of a claim that no single span supports.

    Only where each half is a sentence of its own: what the second one is about must be said in it, and be what its span
    is about.
    """
    for joint in _AND.finditer(claim.text):
        texts = claim.text[: joint.start()], claim.text[joint.end() :]
        if _PRONOUN.match(texts[1]):
            continue
        parts = [read_claim(text, question, claim.hints, given.passages) for text in texts]
        one, two = parts
        if one is None or two is None or one.short or two.short:
            continue
        if min(len(one.facts.keys), len(two.facts.keys)) < _HALF:
            continue
        first, second = (shortlist(part, given, thresholds) for part in (one, two))
        second = [c for c in second if begins_alike(two.facts.items, facts_of(c.span.says).items)]
        # In one span they would stand together, and that they do not.
        second = [
            c
            for c in second
            if all(c.passage != f.passage or c.span.end <= f.span.start or f.span.end <= c.span.start for f in first)
        ]
        if first and second:
            return first, second
    return None


def _coverage(keys: frozenset[str], present: frozenset[str], rarity: dict[str, float]) -> float:
    # A word that stands nowhere in the passages weighs as much as the rarest of them.
    total = sum(rarity.get(key, 1.0) for key in keys)
    return sum(rarity.get(key, 1.0) for key in keys & present) / total if total else 1.0
