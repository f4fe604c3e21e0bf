"""One turn of a thread as the chat shows it: the question, the answer, where it came from, and what can be done."""

from __future__ import annotations

import streamlit as st

from tierwise import DecisionRecord
from tierwise_app.web.answer.body import draw_body
from tierwise_app.web.answer.citations import draw_citations
from tierwise_app.web.answer.developer import draw_card
from tierwise_app.web.answer.markdown import safe_markdown
from tierwise_app.web.answer.why import draw_why, tier_line
from tierwise_app.web.chat.actions import draw_actions
from tierwise_app.web.chat.deciding import draw_waiting
from tierwise_app.web.chat.earlier import draw_earlier
from tierwise_app.web.chat.voices import answerer, person
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

# Notices that are said beside the answer. The others stand under "Why?".
_SAID = {
    "degraded": ":material/warning:",
    "fallback": ":material/swap_horiz:",
    "kept_here": ":material/lock:",
    "would_escalate": ":material/trending_up:",
    "stand_in": ":material/theater_comedy:",
    "context_cut": ":material/content_cut:",
    "context_condensed": ":material/compress:",
    "not_from_documents": ":material/menu_book:",
    "nothing_in_documents": ":material/menu_book:",
    "not_in_documents": ":material/menu_book:",
    "budget_low": ":material/savings:",
    "tool_limit": ":material/build:",
    "secrets_left_out": ":material/key_off:",
}


def draw_turn(record: DecisionRecord, *, newest: bool) -> None:
    """A turn that is over, or rests.

    Args:
        record: the turn.
        newest: it is the last of its thread.
    """
    with person():
        st.text(record.asked)
        if record.locked:
            st.caption(say("chat.locked_turn"))
    with answerer():
        if record.status == "running":
            st.status(say("chat.elsewhere"), type="compact", state="running")
            return
        _draw_answer(record, newest)


@st.fragment
def _draw_answer(record: DecisionRecord, newest: bool) -> None:
    """A fragment, so that a click in it draws nothing else anew."""
    if record.text:
        draw_body(record, key=record.turn_id)
    _draw_end(record)
    for notice in record.notices:
        if notice.code in _SAID:
            st.caption(f"{_SAID[notice.code]} {plain(notice.text)}")
    if record.status == "needs_approval":
        draw_waiting(record, newest=newest)
        return
    _draw_drafts(record)
    draw_earlier(record)
    if record.citations or record.passages:
        draw_citations(record, key=record.turn_id)
    st.caption(tier_line(record))
    draw_actions(record, newest=newest)
    with st.expander(
        say("chat.why"), icon=":material/help:", type="compact", on_change="rerun", key=f"why-{record.turn_id}"
    ) as why:
        if why.open:
            draw_why(record)
    if desk().preferences.developer:
        with st.expander(
            say("chat.developer"),
            icon=":material/terminal:",
            type="compact",
            on_change="rerun",
            key=f"card-{record.turn_id}",
        ) as card:
            if card.open:
                draw_card(record, desk().settings)


def _draw_end(record: DecisionRecord) -> None:
    if record.status == "stopped":
        st.info(say("chat.stopped" if record.text else "chat.stopped_empty"), icon=":material/stop_circle:")
    elif record.status == "blocked":
        st.warning(plain(record.error or say("chat.blocked")), icon=":material/lock:")
    elif record.status == "failed":
        st.error(plain(record.error or say("chat.failed")), icon=":material/error:")


def _draw_drafts(record: DecisionRecord) -> None:
    """Drafts that did not become the answer, folded below it."""
    for attempt in record.attempts:
        if attempt.outcome == "accepted" or not attempt.text.strip() or attempt.text.strip() == record.text.strip():
            continue
        with st.expander(say("chat.draft", tier=attempt.tier), icon=":material/history_edu:", type="compact"):
            st.markdown(safe_markdown(attempt.text))
            st.caption(
                say("chat.draft_why", why=attempt.reasons[0].text) if attempt.reasons else say("chat.draft_kept")
            )
