"""Asking with a prompt: by ``/name`` in the chat, from the chips of an empty chat, from the page of prompts."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.prompts import Prompt, fill, find_prompt, missing, rest_of, suggestions
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.words import plain, raw, say

Then = Literal["ask", "draft"]
_DRAFT = "chat-draft"
_CHIPS = 4
_PROBLEM, _DONE = "fill-problem", "fill-done"
"""Set by the dialog's button: what went wrong; that it is done."""


def begin_prompt(desk: Desk, text: str) -> bool:
    """Ask with the prompt that a message calls by ``/name``; what it lacks is asked for in a dialog first.

    Call it where a message was just sent, outside of fragments.

    Returns:
        Whether the message calls a prompt; if not, nothing was done.

    Raises:
        TierwiseError: if the turn cannot begin.
    """
    prompt = find_prompt(desk.settings.home, text)
    if prompt is None:
        return False
    rest = rest_of(text)
    if missing(prompt, {}, rest):
        open_fill_dialog(prompt, rest, "ask")
    else:
        _ask(desk, fill(prompt, {}, rest))
    return True


def draw_suggestions(desk: Desk) -> str | None:
    """Chips of an empty chat: one's latest prompts, then suggested ones.

    Returns:
        The text to ask, once a prompt without variables was chosen; for others a dialog opens, which asks by itself.
    """
    chosen = None
    with st.container(horizontal=True, vertical_alignment="center", key="suggestions"):
        for prompt in suggestions(desk.settings.home, _CHIPS):
            if st.button(
                plain(prompt.title),
                key=f"chip-{prompt.name}",
                icon=":material/bookmark:",
                help=plain(prompt.description) or say("prompts.chips.help", name=prompt.name),
            ):
                chosen = prompt
        if not desk.preferences.simple:
            st.page_link("app_pages/prompts.py", label=say("prompts.chips.all"), icon=":material/bookmarks:")
    if chosen is None:
        return None
    if missing(chosen, {}):
        open_fill_dialog(chosen, "", "ask")
        return None
    return fill(chosen, {})


def open_fill_dialog(prompt: Prompt, rest: str, then: Then) -> None:
    """Ask for a prompt's variables in a dialog.

    Args:
        prompt: the prompt.
        rest: what was written after ``/name``.
        then: ``ask`` begins a turn in the open thread; ``draft`` leaves the text in the chat's input and goes there.
    """
    st.session_state.pop(_DONE, None)
    st.dialog(say("prompts.fill.title"), width="medium", icon=":material/edit_note:", on_dismiss=_forget)(_draw_fill)(
        prompt, rest, then
    )


def take_done() -> bool:
    """Whether the dialog's button has done its work just now."""
    return bool(st.session_state.pop(_DONE, False))


def leave_draft(text: str) -> None:
    """Leave a text for the chat's input."""
    st.session_state[_DRAFT] = text


def _draw_fill(prompt: Prompt, rest: str, then: Then) -> None:
    if take_done():
        if then == "draft":
            st.switch_page("app_pages/chat.py")
        st.rerun()
    st.markdown(f"**{plain(prompt.title)}**")
    if prompt.description:
        st.caption(plain(prompt.description))
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    with st.form(f"fill-{prompt.name}", border=False):
        open_ones = {variable.name for variable in missing(prompt, {}, rest)}
        takes_rest = next((v.name for v in missing(prompt, {}) if v.name not in open_ones), None)
        for variable in prompt.variables:
            st.text_area(
                plain(variable.description or variable.name),
                value=rest if variable.name == takes_rest else variable.default,
                key=_key(prompt, variable.name),
                height="content",
                placeholder=raw("prompts.fill.placeholder"),
            )
        st.form_submit_button(
            say(f"prompts.fill.{then}"),
            key=f"fill-go-{prompt.name}",
            type="primary",
            icon=":material/send:" if then == "ask" else ":material/forum:",
            on_click=_filled,
            args=(prompt, "" if takes_rest else rest, then),
        )
    with st.expander(say("prompts.fill.whole")):
        st.code(prompt.text, language=None, wrap_lines=True)


def _filled(prompt: Prompt, rest: str, then: Then) -> None:
    """What the dialog's button does, before anything is drawn."""
    values = {v.name: str(st.session_state.get(_key(prompt, v.name), "")) for v in prompt.variables}
    try:
        text = fill(prompt, values, rest)
        if then == "ask":
            _ask(desk(), text)
        else:
            leave_draft(text)
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        _forget()
        st.session_state[_DONE] = True


def _forget() -> None:
    for key in (_PROBLEM, _DONE, "prompts-open"):
        st.session_state.pop(key, None)


def _ask(desk: Desk, text: str) -> None:
    from tierwise_app.web.chat.composer import ask  # it imports this module

    ask(desk, text)


def _key(prompt: Prompt, variable: str) -> str:
    return f"fill-{prompt.name}-{variable}"
