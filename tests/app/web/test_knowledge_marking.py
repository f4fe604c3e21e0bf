"""Marks on foreign text: the text stays text."""

from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tierwise_app.web.knowledge.marking import marked


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    alphabet = st.sampled_from("ab \n\t*_[]()!:$&<>`#|~-.\\0é😀")
    text = draw(st.text(alphabet, max_size=60))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    return text, list(zip(cuts[::2], cuts[1::2], strict=False))


@given(texts_with_spans())
@example(("![x](http://evil.example) :material/x: $a$ <b>", [(0, 4), (10, 20)]))
@example(("a\n\n\n\n# b", []))
def test_what_is_shown_is_the_text_and_nothing_comes_alive(given_: tuple[str, list[tuple[int, int]]]) -> None:
    text, spans = given_
    shown = marked(text, spans)

    bare = shown.replace(":orange-background[**", "").replace("**]", "")
    assert not set(re.sub(r"&#\d+;|\\.", "", bare)) & set("\\`*_{}[]()#+-.!|<>~$:&")
    lines = html.unescape(re.sub(r"\\(.)", r"\1", bare)).split("\n")
    words = [" ".join(line.replace("\u2060", "").split()) for line in lines]
    assert "".join(" ".join(words).split()) == "".join(text.split())


def test_marks_stand_at_the_words_and_lines_stay_lines() -> None:
    assert (
        marked("The vessel\nis old.\n\nNew.", [(4, 10)]) == "The :orange-background[**vessel**]  \nis old\\.\n\nNew\\."
    )
