"""Which span of which passage supports each sentence of an answer. Citations are ours, not the model's.

A sentence is supported by a span of one or two whole sentences if

1. every hard fact of the sentence stands in the span (:mod:`tierwise.verify.facts`), and
2. its words do not point to another document: at most one stands in passages of other sources only, and
3. the words agree: the share of its content words that the span has, weighed by how rare they are in the passages,
   and the cosine of the two embeddings.

What a passage's title and headings name (the machine of a manual, say) need not be said again in the span.

The thresholds come from labelled pairs: ``benches/support.py`` measures them, ``docs/evidence.md`` has the figures.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING

from tierwise.errors import ModelError
from tierwise.types import Citation, Passage
from tierwise.verify.facts import Facts, contradiction, facts_of
from tierwise.verify.marks import Mark, mark_citations, strip_marks
from tierwise.verify.phrases import is_hedge
from tierwise.verify.sentences import Sentence, split_sentences
from tierwise.words import content_words

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

__all__ = ["SentenceSupport", "Support", "cite", "mark_citations", "strip_marks"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a span counts as support; chosen on labelled pairs.

    Attributes:
        cosine_weight: share of the cosine in the score; the rest is coverage.
        score: lowest score of support.
        surely: coverage from which the words alone are enough, and nothing is embedded.
        hopeless: coverage under which no cosine helps.
        words_only: lowest coverage of support without an embedder.
    """

    cosine_weight: float = 0.6
    score: float = 0.6
    surely: float = 0.8
    hopeless: float = 0.2
    words_only: float = 0.6


THRESHOLDS = Thresholds()
_SHORTLIST = 2  # more changed no outcome on the labelled pairs and cost an embedding each
_HINT = 0.03  # a span of a passage that the model itself named wins a near tie, no more
_TITLE_LENGTH = 100
_LIST_NUMBER = re.compile(r"^\d{1,2}[.)]\s+")
# Two sentences support a claim together if the second leans on the first, or if each has a part of the claim.
_LEANING = re.compile(
    r"(?:it|its|they|them|their|he|she|his|her|this|these|that|those|such|both|there|then)\b", re.IGNORECASE
)
_PART = 0.35
_SHORT_CLAIM = 2  # content words; a shorter claim is read together with its question


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """One sentence of the answer: its place, whether it claims something, how well it is supported, and by what.

    ``score`` is the best support found among spans that contradict none of its facts, in [0, 1]; 0.0 if there is none.
    """

    start: int
    end: int
    is_claim: bool
    score: float
    citation: Citation | None


@dataclass(frozen=True, slots=True)
class Support:
    """All sentences of an answer with their support.

    Attributes:
        sentences: in the answer's order.
        citations: one a cited sentence, in order; sentences with the same span share its number ``n``.
        supported_share: cited claims among all claims; ``None`` if the answer claims nothing.
    """

    sentences: tuple[SentenceSupport, ...]
    citations: tuple[Citation, ...]
    supported_share: float | None


@dataclass(frozen=True, slots=True)
class _Span:
    passage: int
    start: int
    end: int
    text: str
    stems: frozenset[str]
    parts: tuple[frozenset[str], ...] = ()  # stems of two sentences of which neither leans on the other


@dataclass(frozen=True, slots=True)
class _Context:
    title: Facts  # of the title, the file's name and the headings
    elsewhere: frozenset[str]  # stems that only passages of other sources have


@dataclass(frozen=True, slots=True)
class _Claim:
    text: str
    facts: Facts
    stems: frozenset[str]
    hints: frozenset[int]
    asked: str  # the question, if the claim is too short to say by itself what it is about
    asked_stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Candidate:
    span: _Span
    claim_text: str  # as compared with this span, with or without its question
    coverage: float
    hinted: bool

    @property
    def facts(self) -> Facts:
        return facts_of(self.span.text)


def cite(
    text: str,
    passages: Sequence[Passage],
    embedder: Embedder | None,
    *,
    question: str = "",
    marks: Sequence[Mark] = (),
    thresholds: Thresholds = THRESHOLDS,
) -> Support:
    """Match each claim of an answer to the span that supports it best.

    Args:
        text: the answer without the model's own marks (:func:`tierwise.verify.marks.read_marks`).
        passages: what the model was given.
        embedder: compares sentences that share few words; without one, or when it fails, words alone decide.
        question: what was asked; it tells what a very short answer ("24 months.") is about.
        marks: the model's own marks, only to choose between spans that support about equally well.
        thresholds: when a span counts as support.

    Returns:
        Support whose quotes stand verbatim in their sources: ``source_text[c.start:c.end] == c.quote``.
    """
    sentences = split_sentences(text)
    spans = _spans(passages)
    rarity = _rarity(spans)
    contexts = _contexts(passages)
    asked = facts_of(question)
    claims = [_claim(text, sentence, question, marks, passages) for sentence in sentences]
    shortlists = [_shortlist(claim, asked, spans, rarity, contexts, thresholds) if claim else [] for claim in claims]
    try:
        scores = _scored(shortlists, embedder, thresholds)
    except ModelError:  # an embedder may be a server, which may be down
        scores = _scored(shortlists, None, thresholds)
    found: list[SentenceSupport] = []
    numbers: dict[tuple[int, int, int], int] = {}
    for sentence, claim, best in zip(sentences, claims, scores, strict=True):
        citation = None
        score = 0.0
        if best is not None:
            score, supported, span = best
            if supported:
                n = numbers.setdefault((span.passage, span.start, span.end), len(numbers) + 1)
                citation = _citation(n, passages[span.passage], span, sentence, score)
        found.append(SentenceSupport(sentence.start, sentence.end, claim is not None, score, citation))
    claimed = sum(one.is_claim for one in found)
    citations = tuple(one.citation for one in found if one.citation is not None)
    return Support(tuple(found), citations, len(citations) / claimed if claimed else None)


def _spans(passages: Sequence[Passage]) -> list[_Span]:
    """Every sentence of every passage, and every two neighbours."""
    spans = []
    for number, passage in enumerate(passages):
        sentences = [s for s in split_sentences(passage.text) if not s.code and not s.heading]
        singles = []
        for sentence in sentences:
            text = passage.text[sentence.start : sentence.end]
            singles.append(_Span(number, sentence.start, sentence.end, text, frozenset(content_words(text))))
        spans += singles
        for one, two in pairwise(singles):
            parts = () if _LEANING.match(two.text) else (one.stems, two.stems)
            text = passage.text[one.start : two.end]
            spans.append(_Span(number, one.start, two.end, text, one.stems | two.stems, parts))
    return spans


def _contexts(passages: Sequence[Passage]) -> list[_Context]:
    stems = [frozenset(content_words(passage.text)) for passage in passages]
    contexts = []
    for passage, own in zip(passages, stems, strict=True):
        headings = [passage.text[s.start : s.end] for s in split_sentences(passage.text) if s.heading]
        first_line = passage.text.partition("\n")[0].strip()
        if passage.start == 0 and len(first_line) <= _TITLE_LENGTH and not first_line.endswith((".", "!", "?")):
            headings.append(first_line)
        name = re.sub(r"[_.-]+", " ", PurePath(passage.source).stem)
        title = facts_of(". ".join((passage.title or "", name, *headings)))
        others = (s for p, s in zip(passages, stems, strict=True) if p.source != passage.source)
        contexts.append(_Context(title, frozenset().union(*others) - own - title.stems))
    return contexts


def _rarity(spans: Sequence[_Span]) -> dict[str, float]:
    """Weight of a word: 1 if it stands in one span, less the more spans have it."""
    count = Counter(word for span in spans for word in span.stems)
    return {word: 1.0 / (1.0 + 0.25 * math.log(n)) for word, n in count.items()}


def _is_name(word: str, passages: Sequence[Passage]) -> bool:
    """Whether the passages write the word with a capital inside a sentence; at the start of one it is a name, too."""
    inside = re.compile(rf"(?<=[\w,;] ){re.escape(word.capitalize())}\b")
    return any(inside.search(passage.text) for passage in passages)


def _claim(
    text: str, sentence: Sentence, question: str, marks: Sequence[Mark], passages: Sequence[Passage]
) -> _Claim | None:
    piece = _LIST_NUMBER.sub("", text[sentence.start : sentence.end], count=1)
    if sentence.code or piece.endswith(("?", ":", "\uff1f")) or is_hedge(piece):
        return None
    facts = facts_of(piece)
    stems = frozenset(content_words(piece))
    if not stems and not facts.numbers and not facts.marks:
        return None
    if facts.opener and _is_name(facts.opener, passages):
        facts = replace(facts, names=facts.names | {facts.opener})
    asked = question if len(stems) <= _SHORT_CLAIM else ""
    hints = {n - 1 for mark in marks if sentence.start < mark.position <= sentence.end for n in mark.numbers}
    return _Claim(piece, facts, stems, frozenset(hints), asked, frozenset(content_words(asked)))


def _shortlist(
    claim: _Claim,
    asked: Facts,
    spans: Sequence[_Span],
    rarity: dict[str, float],
    contexts: Sequence[_Context],
    thresholds: Thresholds,
) -> list[_Candidate]:
    """The spans that contradict nothing and share most words, best first."""
    candidates = []
    for span in spans:
        context = contexts[span.passage]
        if len(claim.stems & context.elsewhere) > 1:
            continue
        if any(_coverage(claim.stems, part, rarity) < _PART for part in span.parts):
            continue
        # A short claim may lean on its question, but only in a span that has every word it adds to it.
        leans = claim.asked and claim.stems - claim.asked_stems <= span.stems
        text = f"{claim.asked} {claim.text}" if leans else claim.text
        stems = claim.stems | claim.asked_stems if leans else claim.stems
        coverage = _coverage((stems - context.title.stems) or stems, span.stems, rarity)
        if coverage >= thresholds.hopeless:
            candidates.append(_Candidate(span, text, coverage, span.passage in claim.hints))
    candidates.sort(key=lambda c: (-c.coverage - _HINT * c.hinted, len(c.span.text)))
    # Facts are read last: only few spans share enough words to need them.
    consistent = (
        c
        for c in candidates
        if not contradiction(claim.facts, c.facts, context=contexts[c.span.passage].title, asked=asked)
    )
    return list(islice(consistent, _SHORTLIST))


def _coverage(stems: frozenset[str], present: frozenset[str], rarity: dict[str, float]) -> float:
    # A word that stands nowhere in the passages weighs as much as the rarest of them.
    total = sum(rarity.get(word, 1.0) for word in stems)
    return sum(rarity.get(word, 1.0) for word in stems & present) / total if total else 1.0


def _scored(
    shortlists: Sequence[list[_Candidate]], embedder: Embedder | None, thresholds: Thresholds
) -> list[tuple[float, bool, _Span] | None]:
    """For each claim its best span with score and verdict; only what the words leave open is embedded."""
    open_ = [
        candidate
        for shortlist in shortlists
        for candidate in shortlist
        if embedder is not None and max(c.coverage for c in shortlist) < thresholds.surely
    ]
    texts = list(dict.fromkeys(text for c in open_ for text in (c.claim_text, c.span.text)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True)) if embedder is not None and texts else {}
    by_words = thresholds.words_only if embedder is None else thresholds.surely
    results: list[tuple[float, bool, _Span] | None] = []
    for shortlist in shortlists:
        best: tuple[float, bool, _Span] | None = None
        top = -1.0
        for candidate in shortlist:
            score, line = candidate.coverage, by_words
            if candidate in open_:
                cosine = float(vectors[candidate.claim_text] @ vectors[candidate.span.text])
                score = thresholds.cosine_weight * cosine + (1 - thresholds.cosine_weight) * score
                line = thresholds.score
            ranked = score + _HINT * candidate.hinted
            if ranked > top:
                top, best = ranked, (min(1.0, max(0.0, score)), score >= line, candidate.span)
        results.append(best)
    return results


def _citation(n: int, passage: Passage, span: _Span, sentence: Sentence, score: float) -> Citation:
    return Citation(
        n=n,
        source=passage.source,
        page=passage.page,
        start=passage.start + span.start,
        end=passage.start + span.end,
        quote=span.text,
        score=round(score, 4),
        passage_id=passage.id,
        sentence_start=sentence.start,
        sentence_end=sentence.end,
    )
