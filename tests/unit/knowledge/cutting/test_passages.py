"""Passages are verbatim, in order, within bounds, and lose nothing."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tierwise.knowledge.cutting.passages import MAX_CHARS, MAX_TOKENS, Cut, cut, rough_token_spans
from tierwise.knowledge.document import Document, Heading, Kind, Page
from tierwise.knowledge.reading.documents import parse_document
from tierwise.models.minilm import MiniLM

_MODEL = MiniLM()
_PIECES = st.one_of(
    st.text(max_size=60),
    st.text(string.ascii_letters + "  .,\n", max_size=400),
    st.sampled_from(
        ["# Title\n\n", "\n\n", "Sentence one. Sentence two!\n", "    code(x)\n", "```\n# no title\n```\n"]
    ),
    st.text("\u4e00\u4e8c\u3002", max_size=300),
    st.integers(200, 5000).map(lambda n: "x" * n),
    st.integers(1, 200).map(lambda n: "word " * n),
)
_TEXTS = st.lists(_PIECES, max_size=8).map("".join)


def check(document: Document, cuts: list[Cut]) -> None:
    for page in document.pages:
        here = [c for c in cuts if c.page == page.number]
        end = 0
        for c in here:
            assert end <= c.start < c.end <= len(page.text)
            assert c.text == page.text[c.start : c.end]
            assert not page.text[end : c.start].strip(), "words between passages were lost"
            assert len(c.text) <= MAX_CHARS
            end = c.end
        assert not page.text[end:].strip()
    assert len({c.id for c in cuts}) == len(cuts)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_TEXTS, st.sampled_from(["a.txt", "a.md", "a.html"]))
def test_any_text(text: str, name: str) -> None:

    from tierwise.errors import InvalidInput

    try:
        document = parse_document(name, text.encode("utf-8", "replace"))
    except InvalidInput:
        return  # nothing to cut in it
    check(document, cut(document, _MODEL.token_spans, key="k"))
    check(document, cut(document, rough_token_spans, key="k"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(string.ascii_letters, min_size=1, max_size=12), max_size=600), st.sampled_from(" \n"))
def test_token_bound_and_whole_words(words: list[str], between: str) -> None:
    text = between.join(words)
    document = Document("a", None, (Page(None, text),))
    for c in cut(document, _MODEL.token_spans, key="k"):
        assert len(_MODEL.token_spans(c.text)) <= MAX_TOKENS
        assert c.start == 0 or text[c.start - 1].isspace()
        assert c.end == len(text) or text[c.end].isspace()


def test_a_passage_keeps_to_its_section_and_knows_it() -> None:
    text = "# Manual\n\nIntro.\n\n## Care\n\n### Descaling\n\nUse citric acid.\n\n## Service\n\nCall us.\n"
    document = Document("a", "Manual", (parse_markdown(text),))
    assert [(c.title, c.text.splitlines()[-1]) for c in cut(document, _MODEL.token_spans, key="k")] == [
        ("Manual", "Intro."),
        ("Manual > Care > Descaling", "Use citric acid."),
        ("Manual > Service", "Call us."),
    ]


def test_passages_end_with_sentences_where_they_can() -> None:
    sentence = "The pump draws water from the tank and sends it through the heater at nine bars. "
    document = Document("a", None, (Page(None, sentence * 30),))
    cuts = cut(document, _MODEL.token_spans, key="k")
    assert len(cuts) > 1
    assert all(c.text.endswith("bars.") and c.text.startswith("The pump") for c in cuts)


def test_text_put_in_above_renames_nothing_below() -> None:
    body = "".join(f"## Part {i}\n\nWhat stands in part {i} is about the number {i}.\n\n" for i in range(20))
    before = Document("a", "T", (parse_markdown(body),))
    after = Document("a", "T", (parse_markdown("## New\n\nSomething new.\n\n" + body),))
    old = {c.id for c in cut(before, _MODEL.token_spans, key="k")}
    new = {c.id for c in cut(after, _MODEL.token_spans, key="k")}
    assert old < new
    assert len(new - old) == 1


def test_equal_paragraphs_have_ids_of_their_own() -> None:
    document = Document("a", None, (parse_markdown("## A\n\nSame.\n\n## A\n\nSame.\n"),))
    cuts = cut(document, _MODEL.token_spans, key="k")
    assert len({c.id for c in cuts}) == len(cuts) == 2


def parse_markdown(text: str) -> Page:

    return parse_document("a.md", text.encode()).pages[0]


@pytest.mark.parametrize(("kind", "title"), [("pdf", "Fire > Exits"), ("pptx", "Fire")])
def test_a_section_goes_on_over_the_pages_of_a_pdf_but_not_from_slide_to_slide(kind: Kind, title: str) -> None:
    first = Page(1, "Exits\n\nLeave by the stairs.", (Heading(0, 5, 1, "Exits"),))
    document = Document("fire.pdf", "Fire", (first, Page(2, "Do not use the lift.")), kind=kind)
    assert [c.title for c in cut(document, rough_token_spans, key="k")] == ["Fire > Exits", title]
