"""The list of threads, the search over them, and what the open one has taken."""

from __future__ import annotations

import time

import streamlit as st

from tierwise.record import ThreadSummary
from tierwise_app.text import one_line, when
from tierwise_app.web.answer.meters import draw_meters
from tierwise_app.web.chat import visit
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.words import plain, raw, say

_PAGE = 15
_FOUND = 20
_HEIGHT = 280  # pixels; the list scrolls, so that the meters below it stay in sight
_DAY = 86400


def draw_sidebar(desk: Desk) -> None:
    """Draw it beside the chat."""
    with st.sidebar:
        st.button(
            say("chat.new"),
            icon=":material/add:",
            width="stretch",
            key="new-thread",
            shortcut="Mod+Shift+O",
            on_click=visit.open_thread,
            args=(None,),
        )
        words = st.text_input(
            say("chat.search"), key="history-search", placeholder=raw("chat.search_in"), label_visibility="collapsed"
        )
        with st.container(height=_HEIGHT, border=False, gap="xsmall", key="threads"):
            if words and words.strip():
                _draw_found(desk, words)
            else:
                _draw_threads(desk)
        draw_meters(desk.copilot, visit.thread())


def _draw_threads(desk: Desk) -> None:
    limit = int(st.session_state.setdefault("threads-shown", _PAGE))
    threads = desk.copilot.record.threads(limit=limit + 1)
    if not threads:
        st.caption(say("chat.no_threads"))
        return
    heading = ""
    for one in threads[:limit]:
        day = _day(one.last)
        if day != heading:
            st.caption(say(f"chat.days.{day}"))
            heading = day
        _draw_thread(one)
    if len(threads) > limit and st.button(say("chat.more_threads"), key="more-threads", type="tertiary"):
        st.session_state["threads-shown"] = limit + _PAGE
        st.rerun()


def _draw_thread(one: ThreadSummary) -> None:
    is_open = one.thread == visit.thread()
    st.button(
        plain(one.title) or say("chat.untitled"),
        key=f"thread-{one.thread}",
        icon=":material/lock:" if one.locked else None,
        type="secondary" if is_open else "tertiary",
        wrap=False,
        help=say("chat.thread_help", when=when(one.last), turns=one.turns),
        # Called before anything is drawn: typed words that the click ends may put other buttons here.
        on_click=visit.open_thread,
        args=(one.thread,),
    )


def _draw_found(desk: Desk, words: str) -> None:
    found = desk.copilot.record.search(words, limit=_FOUND)
    st.caption(say("chat.found", count=len(found)) if found else say("chat.found_nothing"))
    for record in found:
        label = plain(one_line(record.asked, 60))
        about = say("chat.found_help", when=when(record.created), tier=record.final or record.status)
        st.button(
            label,
            key=f"found-{record.turn_id}",
            type="tertiary",
            wrap=False,
            help=about,
            on_click=_open_found,
            args=(record.thread, record.turn_id),
        )


def _open_found(thread: str, turn_id: str) -> None:
    """Open a thread as far back as a turn."""
    visit.open_thread(thread)
    st.session_state["shown"] = max(visit.PAGE, desk().copilot.record.turns_since(turn_id))


def _day(last: float) -> str:
    age = time.time() - last
    return "today" if age < _DAY else "week" if age < 7 * _DAY else "earlier"
