"""Lists, code, tables and records are kept whole where they fit, and their pieces keep what explains them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tierwise.knowledge.cutting.passages import MAX_CHARS, MAX_TOKENS, Cut, cut, rough_token_spans
from tierwise.knowledge.document import Block, BlockKind, Document, Page

PROSE = "The pump draws water from the tank and sends it through the heater at nine bars. "


def page(*parts: tuple[str, BlockKind | None, str | None]) -> Page:
    text, blocks = "", []
    for words, kind, head in parts:
        text += "\n\n" if text else ""
        if kind is not None:
            blocks.append(Block(len(text), len(text) + len(words), kind, head))
        text += words
    return Page(None, text, blocks=tuple(blocks))


def cuts_of(whole: Page) -> list[Cut]:
    return cut(Document("a", "Manual", (whole,)), rough_token_spans, key="k")


def test_a_block_that_fits_is_never_torn() -> None:
    code = "\n".join(f"call({i})" for i in range(30))
    for before in range(0, 9, 2):
        cuts = cuts_of(page((PROSE * before or "Start.", None, None), (code, "code", None), (PROSE * 3, None, None)))
        assert any(code in c.text for c in cuts), before


def test_rows_of_a_long_table_stay_whole_and_keep_its_columns() -> None:
    rows = [f"| {i} | valve number {i} of the house | {i * 3} bar |" for i in range(80)]
    header = "| n | valve | pressure |"
    cuts = cuts_of(page(("\n".join([header, *rows]), "table", header)))
    assert len(cuts) > 3
    assert cuts[0].head is None, "it holds the header itself"
    assert all(c.head == header for c in cuts[1:])
    assert all(header in c.embedded and c.embedded.startswith("Manual\n") for c in cuts)
    assert all(line in rows or line == header for c in cuts for line in c.text.splitlines())


def test_what_introduces_a_block_goes_with_it() -> None:
    options = "\n".join(f"- option {i} switches part {i}" for i in range(14))
    cuts = cuts_of(page((PROSE * 4, None, None), ("These options exist:", None, None), (options, "list", None)))
    assert any(c.text.startswith("These options exist:") and options in c.text for c in cuts)


def test_the_head_of_a_long_definition_goes_with_every_piece() -> None:
    body = "\n".join(f"    value_{i} = compute({i})" for i in range(120))
    cuts = cuts_of(page(("def heat(water):\n" + body, "record", "def heat(water):")))
    assert len(cuts) > 3
    assert all("def heat(water):" in c.embedded for c in cuts)


def test_a_head_without_end_is_cut() -> None:
    rows = "\n".join(f"{i},{i}" for i in range(500))
    cuts = cuts_of(page((rows, "table", "column, " * 1000)))
    assert all(len(c.head or "") <= 200 for c in cuts)


_PARTS = st.lists(
    st.tuples(
        st.one_of(
            st.text(max_size=80),
            st.integers(1, 60).map(lambda n: PROSE * n),
            st.integers(1, 90).map(lambda n: "\n".join(f"row {i}" for i in range(n))),
            st.integers(1500, 4000).map(lambda n: "x" * n),
        ),
        st.sampled_from([None, "list", "code", "table", "record"]),
        st.sampled_from([None, "head", "row 1"]),
    ),
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(_PARTS)
def test_any_blocks(parts: list[tuple[str, BlockKind | None, str | None]]) -> None:
    whole = page(*parts)
    end = 0
    for c in cuts_of(whole):
        assert end <= c.start < c.end <= len(whole.text) and c.text == whole.text[c.start : c.end]
        assert not whole.text[end : c.start].strip(), "words between passages were lost"
        assert len(c.text) <= MAX_CHARS and len(rough_token_spans(c.text)) <= MAX_TOKENS
        end = c.end
    assert not whole.text[end:].strip()
