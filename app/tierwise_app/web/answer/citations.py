"""The sources of an answer: what it cites, what else was read, and a look at each where it stands."""

from __future__ import annotations

import streamlit as st

from tierwise import Citation, DecisionRecord, Passage
from tierwise.errors import TierwiseError
from tierwise_app.text import from_home
from tierwise_app.text import place as place_text
from tierwise_app.web.answer.escaping import cleaned, escaped
from tierwise_app.web.answer.preview import Place, cited_place, look_up, preview_markdown, read_place
from tierwise_app.web.desk import desk
from tierwise_app.web.words import raw, say

_NAME = 48


@st.fragment
def draw_citations(record: DecisionRecord, *, key: str) -> None:
    """Draw the sources of a turn; each opens where it stands in its document.

    Args:
        record: the turn.
        key: names the place on the page.
    """
    cited = {citation.n: citation for citation in sorted(record.citations, key=lambda citation: citation.n)}
    used = {citation.passage_id for citation in record.citations}
    others = [passage for passage in record.passages if passage.id not in used]
    if cited:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(say("answer.sources"), width="content")
            for citation in cited.values():
                if _cited_button(citation, key):
                    _open(cited_place(record, citation), score=citation.score, cited=True)
    if others:
        title = say("answer.also_read" if cited else "answer.read", count=len(others))
        with st.expander(
            title, icon=":material/menu_book:", on_change="rerun", key=f"read-{key}", type="compact"
        ) as read:
            if read.open:
                _draw_others(others, key)


def _cited_button(citation: Citation, key: str) -> bool:
    score = f"{citation.score:.2f}"
    label = raw("answer.source", n=citation.n, place=_short(citation.source, citation.page), score=escaped(score))
    return st.button(label, key=f"cite-{key}-{citation.n}", help=say("answer.source_help", score=score))


def _draw_others(passages: list[Passage], key: str) -> None:
    with st.container(gap="xsmall"):
        for n, passage in enumerate(passages):
            score = escaped(f"{passage.score:.2f}")
            label = raw("answer.passage", place=_short(passage.source, passage.page), score=score)
            if st.button(label, key=f"read-{key}-{n}", type="tertiary", icon=":material/article:"):
                _open(read_place(passage), score=passage.score, cited=False)
    st.caption(say("answer.passage_help"))


def _short(source: str, page: int | None) -> str:
    """The name of a source as Markdown, cut in its middle: what tells long names apart is often at their end."""
    name = place_text(source)
    if len(name) > _NAME:
        name = f"{name[: _NAME // 2].rstrip()}…{name[-_NAME // 2 + 1 :].lstrip()}"
    return escaped(cleaned(name if page is None else raw("answer.on_page", name=name, page=page)))


def _open(place: Place, *, score: float, cited: bool) -> None:
    """Show a place in a dialog."""
    title = escaped(cleaned(place_text(place.source, place.page)))
    st.dialog(title, width="medium", icon=":material/menu_book:")(_draw_place)(place, score, cited)


def _draw_place(place: Place, score: float, cited: bool) -> None:
    try:
        preview = look_up(desk().copilot.knowledge, place)
    except TierwiseError as error:
        st.error(escaped(cleaned(str(error))), icon=":material/error:")
        return
    if preview.state == "gone":
        st.warning(say("answer.preview.gone"), icon=":material/delete:")
    elif preview.state == "changed":
        st.warning(say("answer.preview.changed"), icon=":material/edit_note:")
    elif preview.state == "moved":
        st.info(say("answer.preview.moved"), icon=":material/edit_note:")
    st.caption(say("answer.preview.cited" if cited else "answer.preview.read", score=f"{score:.2f}"))
    st.markdown(preview_markdown(preview))
    st.caption(say("answer.preview.path"))
    st.code(from_home(place.source), language=None, wrap_lines=True)
