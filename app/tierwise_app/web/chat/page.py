"""The page as a whole."""

from __future__ import annotations

import streamlit as st

from tierwise import DecisionRecord, RunningTurn
from tierwise.errors import UnknownName
from tierwise.record import ThreadSummary
from tierwise_app.web.chat import visit
from tierwise_app.web.chat.composer import ask, draw_composer
from tierwise_app.web.chat.dialogs import begin_page
from tierwise_app.web.chat.live import draw_live, is_live, watch
from tierwise_app.web.chat.message import draw_turn
from tierwise_app.web.chat.sidebar import draw_sidebar
from tierwise_app.web.chat.thread_menu import draw_thread_menu
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.knowledge.reports import draw_report, summary
from tierwise_app.web.prompts.asking import draw_suggestions
from tierwise_app.web.welcome.page import draw_welcome
from tierwise_app.web.words import plain, say


def draw() -> None:
    """Draw the page; what was just sent is begun first, so that it shows at once."""
    here = desk()
    begin_page()
    # One answer for the whole page: what ends while it is drawn still gets the part that draws it anew.
    busy = draw_composer(here)
    thread = visit.thread()
    settled, live = st.container(), st.container()
    with live:  # first what a person waits for
        if thread is not None and busy:
            draw_live(thread)
    with settled:
        _draw_settled(here, thread, busy)
    draw_sidebar(here)


def _draw_settled(here: Desk, thread: str | None, busy: bool) -> None:
    """What does not move: the thread so far, or where a new one begins."""
    if thread is None:
        _draw_new(here, thread)
        return
    state = here.copilot.record.thread_state(thread)
    if state[0] == 0 and not busy:
        _draw_new(here, thread)
    else:
        _draw_thread(here, thread)
    if not busy:
        watch(thread, state)


def _draw_new(here: Desk, thread: str | None) -> None:
    turn = here.turn(thread)
    if turn is not None and turn.error is not None:
        _draw_refused(turn)
    elif thread is not None and thread in here.pending:
        _draw_files(here, thread)  # they came without a question
    elif thread is not None:
        st.info(say("chat.no_thread"), icon=":material/search_off:")
    if not here.preferences.welcomed:
        draw_welcome(here)
    else:
        st.title(say("chat.hello"), anchor=False)
        st.caption(say("chat.hello_more"))
    if chosen := draw_suggestions(here):
        ask(here, chosen)
        st.rerun()


def _draw_thread(here: Desk, thread: str) -> None:
    turns = _turns(here, thread)
    summary = here.copilot.record.thread(thread)
    if summary is not None:
        draw_thread_menu(here, summary)
    if summary is not None and len(turns) > visit.shown():
        turns = turns[1:]
        if st.button(say("chat.show_earlier"), icon=":material/expand_less:", type="tertiary", key="show-earlier"):
            st.session_state["shown"] = visit.shown() + visit.PAGE
            st.rerun()
    for record in turns:
        draw_turn(record, newest=record is turns[-1])
    turn = here.turn(thread)
    if turn is not None and turn.over and turn.error is not None:
        _draw_refused(turn)
    _draw_files(here, thread)
    _offer_to_go_on(here, thread, summary)


def _turns(here: Desk, thread: str) -> list[DecisionRecord]:
    """The newest turns that stand, one more than are drawn, without the one that is drawn while it happens."""
    live = here.turn(thread)
    own = live.turn_id if live is not None and not live.over else None
    try:
        turns = here.copilot.record.turns(thread, last=visit.shown() + 1, standing=True)
    except UnknownName:
        return []
    return [here.as_told(turn) for turn in turns if turn.turn_id != own]


def _draw_refused(turn: RunningTurn) -> None:
    """Why a message could not even be begun with; its words are not lost."""
    st.error(plain(str(turn.error)), icon=":material/error:")
    st.code(turn.asked, language=None, wrap_lines=True)


def _draw_files(here: Desk, thread: str) -> None:
    """What became of the files that came with the last message that had any."""
    pending = here.pending.get(thread)
    if pending is None or not pending.job.over:
        return
    if pending.job.error is not None:
        st.error(say("chat.files_failed", why=pending.job.error), icon=":material/error:")
    elif pending.job.result is not None:
        with st.expander(plain(summary(pending.job.result)), icon=":material/attach_file:", type="compact"):
            draw_report(pending.job.result, key=f"files-{pending.job.id}")


def _offer_to_go_on(here: Desk, thread: str, summary: ThreadSummary | None) -> None:
    """A turn whose program ended in the middle can be taken up again."""
    record = here.copilot.record
    parked = None if summary is None or is_live(thread) else record.parked_turn(thread)
    if parked is None or record.get(parked).status == "needs_approval":
        return
    st.info(say("chat.cut_off"), icon=":material/power_off:")
    if st.button(say("chat.go_on"), key="go-on", icon=":material/play_arrow:"):
        here.go_on(parked)
        st.rerun()
