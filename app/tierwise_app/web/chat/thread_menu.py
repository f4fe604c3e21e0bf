"""The top of an open thread: its title, its lock, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.record import ThreadSummary
from tierwise_app.web.answer.export import file_name, thread_json, thread_markdown
from tierwise_app.web.chat import visit
from tierwise_app.web.chat.dialogs import begin_dialog, does
from tierwise_app.web.desk import Desk
from tierwise_app.web.words import plain, say


def draw_thread_menu(desk: Desk, thread: ThreadSummary) -> None:
    """Draw it above the messages."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(thread.title) or say("chat.untitled"), anchor=False)
        if thread.locked:
            st.badge(say("chat.locked_badge"), icon=":material/lock:", color="green")
        with st.popover(say("chat.thread"), icon=":material/more_horiz:", type="tertiary"):
            _draw_menu(desk, thread)


def _draw_menu(desk: Desk, thread: ThreadSummary) -> None:
    record = desk.copilot.record
    locked = st.toggle(
        say("chat.lock_this"), thread.locked, key=f"lock-{thread.thread}", help=say("chat.lock_this_help")
    )
    if locked != thread.locked:
        record.lock_thread(thread.thread, locked)
        st.rerun()
    with st.form(f"rename-{thread.thread}", border=False):
        title = st.text_input(say("chat.title"), thread.title, max_chars=60)
        if st.form_submit_button(say("chat.rename"), icon=":material/edit:"):
            try:
                record.rename_thread(thread.thread, title or "")
                st.rerun()
            except TierwiseError as error:
                st.error(plain(str(error)))
    with st.expander(
        say("chat.export"), icon=":material/download:", type="compact", on_change="rerun", key="export"
    ) as export:
        if export.open:
            _draw_export(desk, thread)
    if st.button(say("chat.delete"), icon=":material/delete:", type="tertiary", key="delete-thread"):
        _delete(desk, thread)


def _draw_export(desk: Desk, thread: ThreadSummary) -> None:
    turns = desk.copilot.record.turns(thread.thread)
    for kind, text, mime in (
        ("md", thread_markdown(turns), "text/markdown"),
        ("json", thread_json(turns), "application/json"),
    ):
        st.download_button(
            say(f"chat.export_{kind}"),
            text,
            file_name(thread.title, kind),
            mime,
            key=f"export-{kind}",
            on_click="ignore",
        )


@st.dialog(say("chat.delete_title"), icon=":material/delete:")
def _delete(desk: Desk, thread: ThreadSummary) -> None:
    begin_dialog()
    st.markdown(say("chat.delete_what", title=thread.title, turns=thread.turns))
    st.button(
        say("chat.delete_yes"),
        type="primary",
        key="delete-yes",
        on_click=does(lambda: _delete_now(desk, thread.thread)),
    )


def _delete_now(desk: Desk, thread: str) -> None:
    if (turn := desk.turn(thread)) is not None and not turn.over:
        turn.stop()
        turn.wait(3.0)
    desk.copilot.record.delete_thread(thread)
    visit.open_thread(None)
