"""The text of an answer, with the marks of its citations."""

from __future__ import annotations

import streamlit as st

from tierwise import Answer, DecisionRecord
from tierwise_app.render import NO_SOURCE, answer_marks
from tierwise_app.web.answer.escaping import escaped
from tierwise_app.web.answer.markdown import marked_markdown
from tierwise_app.web.words import raw, say


def draw_body(answer: Answer | DecisionRecord, *, key: str) -> None:
    """Draw an answer's text: ``[n]`` behind what is cited, and a word behind what no passage says.

    Args:
        answer: the answer, or its record.
        key: names the place on the page.
    """
    with st.container(key=f"body-{key}"):
        st.markdown(body_markdown(answer))
        if answer.unsupported:
            st.caption(say("answer.no_source_help", mark=f"[{raw('answer.no_source')}]"))


def body_markdown(answer: Answer | DecisionRecord) -> str:
    """The text with its marks, as Markdown that is safe to show."""
    return marked_markdown(answer.text, [(end, *_shown(mark)) for end, mark in answer_marks(answer)])


def _shown(mark: str) -> tuple[str, str]:
    """A mark as Markdown, and as plain text."""
    if mark == NO_SOURCE:
        said = f"[{raw('answer.no_source')}]".replace(" ", "\u00a0")  # it stays on one line
        return f":small[:gray-background[{escaped(said)}]]", said
    return f":green[{escaped(mark)}]", mark
