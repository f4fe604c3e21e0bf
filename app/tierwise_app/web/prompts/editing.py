"""Writing and changing a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.prompts import Prompt, Shelf, Variable, all_tags, slug
from tierwise_app.prompts.prompt import variables_of
from tierwise_app.web.words import plain, raw, say

_OPEN, _PROBLEM = "prompts-open", "prompts-problem"


def draw_edit(shelf: Shelf, own: Sequence[Prompt], prompt: Prompt | None, mark: str) -> None:
    """Draw the fields of a prompt, a new one if ``prompt`` is ``None``.

    Args:
        shelf: where it is kept.
        own: all prompts, for the tags that are in use.
        prompt: the prompt as it was when editing began.
        mark: its file's mark at that time; empty for a new one.
    """
    before = prompt
    st.text_input(say("prompts.editing.label"), value=before.title if before else "", key="edit-title", max_chars=120)
    st.text_input(
        say("prompts.editing.name"),
        value=before.name if before else "",
        key="edit-name",
        max_chars=64,
        placeholder=slug(str(st.session_state.get("edit-title", ""))),
        help=say("prompts.editing.name_help"),
    )
    st.text_input(
        say("prompts.editing.description"),
        value=before.description if before else "",
        key="edit-description",
        max_chars=300,
    )
    known = sorted({*all_tags(own), *(before.tags if before else ())})
    st.multiselect(
        say("prompts.editing.tags"),
        known,
        default=list(before.tags) if before else None,
        format_func=plain,
        key="edit-tags",
        accept_new_options=True,
        placeholder=raw("prompts.editing.tags_placeholder"),
    )
    text = st.text_area(
        say("prompts.editing.text"),
        value=before.text if before else "",
        key="edit-text",
        height=220,
        help=say("prompts.editing.text_help"),
        placeholder=raw("prompts.editing.text_placeholder"),
    )
    names = variables_of(text or "")
    if names:
        st.markdown(f"**{say('prompts.editing.variables')}**")
    described = {variable.name: variable for variable in before.described} if before else {}
    for name in names:
        about = described.get(name) or Variable(name)
        with st.container(horizontal=True):
            st.text_input(
                say("prompts.editing.variable_description", name=name),
                value=about.description,
                key=_key("about", before, name),
            )
            st.text_input(
                say("prompts.editing.variable_default", name=name),
                value=about.default,
                key=_key("default", before, name),
                help=say("prompts.editing.variable_default_help"),
            )
    with st.container(horizontal=True):
        st.button(
            say("prompts.editing.save"),
            key="edit-save",
            type="primary",
            icon=":material/save:",
            on_click=_save,
            args=(shelf, before, mark),
        )
        st.button(say("prompts.cancel"), key="prompts-cancel", on_click=lambda: st.session_state.pop(_OPEN, None))


def _save(shelf: Shelf, before: Prompt | None, mark: str) -> None:
    try:
        prompt = _typed(before)
        if before is not None and prompt.name != before.name:
            saved = shelf.rename(before.name, prompt, mark=mark)
        else:
            saved = shelf.save(prompt, mark=mark)
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.session_state.pop(_OPEN, None)
        st.session_state["prompts-saved"] = saved.title


def _typed(before: Prompt | None) -> Prompt:
    """The prompt as it stands in the fields.

    Raises:
        InvalidInput: if it is none.
    """

    def field(key: str) -> str:
        return str(st.session_state.get(key) or "")

    text = field("edit-text")
    described = tuple(
        Variable(name, field(_key("about", before, name)), field(_key("default", before, name)))
        for name in variables_of(text)
    )
    typed = Prompt(
        name=field("edit-name").strip().removeprefix("/") or slug(field("edit-title")),
        title=field("edit-title"),
        text=text,
        description=field("edit-description"),
        tags=tuple(map(str, st.session_state.get("edit-tags") or ())),
        described=tuple(variable for variable in described if variable.description or variable.default),
    )
    return typed if before is None else replace(typed, created=before.created, other=before.other)


def _key(what: str, before: Prompt | None, variable: str) -> str:
    return f"edit-{what}-{before.name if before else ''}-{variable}"
