"""Citations: verbatim spans for what is supported, none for what is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.models import MiniLM
from tierwise.types import Passage
from tierwise.verify.citing.support import cite
from tierwise.verify.marks import Mark
from tierwise.verify.remember import Remembering

PAIRS = Path(__file__).parents[2] / "data" / "support_pairs.jsonl"
SOURCE = (
    "Norvik HP-6 heat pump: notes\n\nClean the air filter every six weeks. The compressor is guaranteed for seven "
    "years. The guarantee is void if the unit was opened by anyone other than a technician.\nThe pump is quiet. "
    "It makes no more than 35 decibels at night."
)
START = 30


@pytest.fixture(scope="module")
def embedder() -> Remembering:
    return Remembering(MiniLM(), 2000)


def passages() -> tuple[Passage, ...]:
    text = SOURCE[START:]
    return (Passage("p1", "/docs/heat_pump.txt", "default", None, START, START + len(text), text, 0.6),)


def quotes(text: str, embedder: Remembering | None, **more: object) -> list[str]:
    return [citation.quote for citation in cite(text, passages(), embedder, **more).citations]  # type: ignore[arg-type]


def test_each_quote_stands_verbatim_in_the_source_at_its_place(embedder: Remembering) -> None:
    answer = "You should clean the air filter every six weeks. For seven years the compressor is guaranteed."
    found = cite(answer, passages(), embedder)
    assert len(found.citations) == 2
    for citation in found.citations:
        assert SOURCE[citation.start : citation.end] == citation.quote
        assert citation.quote == citation.quote.strip()
    assert [answer[c.sentence_start : c.sentence_end] for c in found.citations] == answer.replace(". ", ".\n").split(
        "\n"
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "The pump was designed in Oslo.",
        "The compressor is guaranteed for nine years.",
        "Clean the air filter every six months.",
        "The compressor is not guaranteed.",
        "Bees can see ultraviolet light.",
    ],
)
def test_an_invented_or_altered_sentence_comes_out_uncited(sentence: str, embedder: Remembering) -> None:
    found = cite(f"The compressor is guaranteed for seven years. {sentence}", passages(), embedder)
    assert len(found.citations) == 1
    assert found.sentences[1].is_claim and not found.sentences[1].citations
    assert [one.text for one in found.unsupported] == [sentence]
    assert found.supported_share == 0.5


@pytest.mark.parametrize(
    "text", ["I do not know.", "Which filter do you mean?", "Here are the steps:", "```\nx = 7\n```", ""]
)
def test_what_claims_nothing_needs_no_support(text: str, embedder: Remembering) -> None:
    assert cite(text, passages(), embedder).supported_share is None


def test_a_short_answer_is_read_with_its_question(embedder: Remembering) -> None:
    assert quotes("Seven years.", embedder, question="How long is the compressor guaranteed?")
    assert not quotes("Seven years.", embedder, question="Who composed The Magic Flute?")


def test_sentences_with_the_same_support_share_a_number(embedder: Remembering) -> None:
    found = cite(
        "Clean the air filter every six weeks. So every six weeks, clean the air filter.", passages(), embedder
    )
    assert [citation.n for citation in found.citations] == [1, 1]


def test_the_models_own_mark_decides_between_equal_passages(embedder: Remembering) -> None:
    text = "Clean the filter every six weeks."
    twins = [Passage(f"p{n}", f"/{n}.txt", "default", None, 0, len(text), text) for n in (1, 2)]
    assert cite(text, twins, embedder).citations[0].passage_id == "p1"
    assert cite(text, twins, embedder, marks=[Mark(len(text), (2,))]).citations[0].passage_id == "p2"


def test_a_mark_of_the_model_supports_nothing_by_itself(embedder: Remembering) -> None:
    assert not quotes("The pump was designed in Oslo.", embedder, marks=[Mark(30, (1,))])


def test_words_of_another_document_are_not_mixed_in(embedder: Remembering) -> None:
    club = "The sailing club has two boats."
    museum = "The museum is open every day except Tuesday, from 10:00 to 17:30."
    both = [Passage(t[:9], f"/{t[4:7]}.txt", "default", None, 0, len(t), t) for t in (club, museum)]
    assert not cite("The sailing club is open every day except Tuesday, from 10:00.", both, embedder).citations
    assert cite("The museum is open every day but Tuesday, from 10:00.", both, embedder).citations


def test_without_an_embedder_words_decide() -> None:
    assert quotes("The compressor is guaranteed for seven years.", None)
    assert not quotes("The compressor is guaranteed for nine years.", None)


def test_the_labelled_pairs_keep_their_precision_and_recall(embedder: Remembering) -> None:
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    good = wrong = total = missed = 0
    for split in ("dev", "test", "fresh"):
        rows = [pair for pair in pairs if pair["split"] == split]
        texts = {row["source"]: row["passage"] for row in rows}
        given = [Passage(s, f"/{s}.txt", "default", None, 0, len(t), t) for s, t in texts.items()]
        for row in rows:
            sources = {c.passage_id for c in cite(row["sentence"], given, embedder).citations}
            if row["label"] in ("supported", "paraphrase"):
                total += 1
                good += row["source"] in sources
                wrong += bool(sources - {row["source"]})
            else:
                wrong += bool(sources)
    assert wrong == 0
    assert missed == 0, "a sentence that stands word for word in a passage is cited"
    assert good / total >= 0.45


_PIECES = "the pump filter seven 7 24 weeks not Norvik Oslo is cleaned. It [1] \n - #"
_words = st.sampled_from(_PIECES.split(" "))


@settings(max_examples=60, deadline=None)
@given(st.lists(_words, max_size=25).map(" ".join), st.lists(_words, max_size=25).map(" ".join))
def test_any_citation_of_any_text_is_verbatim(answer: str, source: str) -> None:
    found = cite(answer, [Passage("p", "/s.txt", "default", None, 5, 5 + len(source), source)], None)
    for citation in found.citations:
        assert source[citation.start - 5 : citation.end - 5] == citation.quote != ""
    assert [s.start for s in found.sentences] == sorted(s.start for s in found.sentences)
