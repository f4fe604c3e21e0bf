"""Which span of which passage supports each sentence of an answer. Citations are ours, not the model's.

A sentence is supported by a span (:mod:`tierwise.verify.citing.spans`) if

1. every word of it that carries meaning stands in the span, in another form or as a synonym too; what the title and the
   headings of the passage name need not be said again, and some of it may be repeated from the question;
2. every hard fact of it stands there, and nothing is turned into its opposite (:mod:`tierwise.verify.citing.facts`);
3. the words stand in the same relation (:mod:`tierwise.verify.citing.relations`; for rows of tables,
   :mod:`tierwise.verify.citing.rows`); and
4. the two agree as a whole: the share of the claim's words that the span has, weighed by how rare they are in the
   passages, and the cosine of the two embeddings where that share leaves it open.

A sentence of two whole statements may be cited twice, once for each.

The thresholds come from labelled pairs: ``benches/support.py`` measures them, ``docs/evidence.md`` has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tierwise.errors import ModelError
from tierwise.turns import Unsupported
from tierwise.types import Citation, Passage
from tierwise.verify.citing.candidates import (
    HINT,
    THRESHOLDS,
    Candidate,
    Given,
    Thresholds,
    read,
    shortlist,
    two_halves,
)
from tierwise.verify.citing.claims import Claim, claim_of, core_of, read_claim
from tierwise.verify.citing.spans import Span
from tierwise.verify.marks import Mark, mark_citations, strip_marks
from tierwise.verify.sentences import Sentence, split_sentences

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

__all__ = ["THRESHOLDS", "SentenceSupport", "Support", "Thresholds", "cite", "mark_citations", "strip_marks"]


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """A sentence of the answer: its place, whether it claims something, how well it is supported, and by what.

    ``score`` is the best support found among spans that say what it says, in [0, 1]; 0.0 if there is none. There are
    two citations where two passages support one half of the sentence each.
    """

    start: int
    end: int
    is_claim: bool
    score: float
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Support:
    """All sentences of an answer with their support.

    Attributes:
        sentences: in the answer's order.
        citations: of the cited sentences, in order; sentences with the same span share its number ``n``.
        supported_share: cited claims among all claims; ``None`` if the answer claims nothing.
        unsupported: claims without a citation.
    """

    sentences: tuple[SentenceSupport, ...]
    citations: tuple[Citation, ...]
    supported_share: float | None
    unsupported: tuple[Unsupported, ...]


@dataclass(frozen=True, slots=True)
class _Best:
    candidate: Candidate
    score: float
    supported: bool


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
    given = read(passages)
    sentences = split_sentences(text)
    before = ["", *(text[sentence.start : sentence.end] for sentence in sentences)]
    claims = [
        claim_of(text, sentence, last, question, marks, passages)
        for last, sentence in zip(before, sentences, strict=False)
    ]
    shortlists = [shortlist(claim, given, thresholds) if claim else [] for claim in claims]
    halves = [
        two_halves(claim, question, given, thresholds) if claim and not candidates else None
        for claim, candidates in zip(claims, shortlists, strict=True)
    ]
    for n, claim in enumerate(claims):
        if claim and not shortlists[n] and not halves[n] and (core := core_of(claim)) is not None:
            answer = read_claim(core, question, claim.hints, passages)
            shortlists[n] = shortlist(replace(answer, short=True, core=True), given, thresholds) if answer else []
    wanted = [*shortlists, *(half for pair in halves if pair for half in pair)]
    try:
        found = _scored(wanted, embedder, thresholds)
    except ModelError:  # an embedder may be a server, which may be down
        found = _scored(wanted, None, thresholds)
    of_halves = iter(found[len(shortlists) :])
    numbers: dict[tuple[int, int, int], int] = {}
    supports = []
    for sentence, claim, best, pair in zip(sentences, claims, found, halves, strict=False):
        bests = [best] if pair is None else [next(of_halves), next(of_halves)]
        supports.append(_support(sentence, claim, bests, given, numbers))
    claimed = [one for one in supports if one.is_claim]
    return Support(
        sentences=tuple(supports),
        citations=tuple(citation for one in supports for citation in one.citations),
        supported_share=sum(bool(one.citations) for one in claimed) / len(claimed) if claimed else None,
        unsupported=tuple(Unsupported(s.start, s.end, text[s.start : s.end]) for s in claimed if not s.citations),
    )


def _scored(
    shortlists: Sequence[list[Candidate]], embedder: Embedder | None, thresholds: Thresholds
) -> list[_Best | None]:
    """For each claim its best span with score and verdict; only what the words leave open is embedded."""
    open_ = [
        candidate
        for candidates in shortlists
        for candidate in candidates
        if embedder is not None and max(c.coverage for c in candidates) < thresholds.surely
    ]
    texts = list(dict.fromkeys(text for c in open_ for text in (c.claim_text, c.span.says)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True)) if embedder is not None and texts else {}
    by_words = thresholds.words_only if embedder is None else thresholds.surely
    results: list[_Best | None] = []
    for candidates in shortlists:
        best: _Best | None = None
        top = -1.0
        for candidate in candidates:
            score, line = candidate.coverage, by_words
            if candidate in open_:
                cosine = float(vectors[candidate.claim_text] @ vectors[candidate.span.says])
                score = thresholds.cosine_weight * cosine + (1 - thresholds.cosine_weight) * score
                line = thresholds.core_score if candidate.core else thresholds.score
            ranked = score + HINT * candidate.hinted
            if ranked > top:
                top, best = ranked, _Best(candidate, min(1.0, max(0.0, score)), score >= line)
        results.append(best)
    return results


def _support(
    sentence: Sentence,
    claim: Claim | None,
    bests: Sequence[_Best | None],
    given: Given,
    numbers: dict[tuple[int, int, int], int],
) -> SentenceSupport:
    """A sentence with a citation for each of its parts, or with none if a part is not supported."""
    found = [best for best in bests if best is not None]
    score = min((best.score for best in found), default=0.0) if len(found) == len(bests) else 0.0
    citations: dict[int, Citation] = {}
    if found and len(found) == len(bests) and all(best.supported for best in found):
        for best in found:
            number, span = best.candidate.passage, best.candidate.span
            n = numbers.setdefault((number, span.start, span.end), len(numbers) + 1)
            citations.setdefault(n, _citation(n, given.passages[number], span, sentence, best.score))
    return SentenceSupport(sentence.start, sentence.end, claim is not None, score, tuple(citations.values()))


def _citation(n: int, passage: Passage, span: Span, sentence: Sentence, score: float) -> Citation:
    return Citation(
        n=n,
        source=passage.source,
        page=passage.page,
        start=passage.start + span.start,
        end=passage.start + span.end,
        quote=span.quote,
        score=round(score, 4),
        passage_id=passage.id,
        sentence_start=sentence.start,
        sentence_end=sentence.end,
    )
