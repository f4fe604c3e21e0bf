"""The calls of all turns, the last one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from tierwise_app.text import clean, duration, one_line, when
from tierwise_app.waiting_calls import argument_lines
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

if TYPE_CHECKING:
    from tierwise.record import LedgerEntry, PastCall

_PAGE = 10
_MOST_SHOWN = 4_000  # characters of a result
_ICONS = {
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "denied": ":material/block:",
    "refused": ":material/block:",
    "unfinished": ":material/help:",
    "waiting": ":material/hourglass_top:",
    "allowed": ":material/hourglass_top:",
    "begun": ":material/help:",
}


def draw_calls() -> None:
    """Draw a few calls at a time."""
    record = desk().copilot.record
    count = record.count_calls()
    st.caption(say("tools.calls.intro"))
    if not count:
        st.info(say("tools.calls.none"), icon=":material/info:")
        return
    pages = -(-count // _PAGE)
    number = st.pagination(pages, key="tools.calls.page") if pages > 1 else 1
    for call in record.recent_calls(_PAGE, skip=(number - 1) * _PAGE):
        _draw_call(call)


def _draw_call(call: PastCall) -> None:
    entry = call.entry
    outcome = entry.step.outcome if entry.step is not None else entry.state
    label = f"{plain(when(call.at))} · **{plain(entry.name)}** · {say(f'tools.calls.outcome.{outcome}')}"
    key = f"tools.call.{entry.key.turn_id}.{entry.key.round}.{entry.key.place}"
    with st.expander(label, icon=_ICONS[outcome], key=key):
        st.caption(f"{_asked(entry)} · {say('tools.calls.asked', asked=_question(call))}")
        st.code("\n".join(argument_lines(entry.arguments)), language=None, wrap_lines=True)
        step = entry.step
        if step is None:
            return
        if step.ms:
            st.caption(say("tools.calls.took", time=duration(step.ms)))
        text = clean(step.result)
        st.code(text[:_MOST_SHOWN] + ("…" if len(text) > _MOST_SHOWN else ""), language=None, wrap_lines=True)


def _question(call: PastCall) -> str:
    return one_line(desk().copilot.record.get(call.entry.key.turn_id).asked, 80)


def _asked(entry: LedgerEntry) -> str:
    if entry.state == "denied" or (entry.step is not None and entry.step.outcome == "denied"):
        why = f": {plain(entry.reason)}" if entry.reason else ""
        return say("tools.calls.said_no") + why
    if entry.state == "waiting":
        return say("tools.calls.waits")
    if entry.asked or (entry.step is not None and entry.step.approved):
        return say("tools.calls.said_yes_edited" if entry.edited else "tools.calls.said_yes")
    return say("tools.calls.not_asked")
