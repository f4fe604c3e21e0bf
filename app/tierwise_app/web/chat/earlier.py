"""What an answer took the place of: kept for people, read by no model."""

from __future__ import annotations

import streamlit as st

from tierwise import DecisionRecord
from tierwise.errors import UnknownName
from tierwise_app.web.answer.body import draw_body
from tierwise_app.web.answer.why import tier_line
from tierwise_app.web.desk import desk
from tierwise_app.web.words import say

_MOST = 20  # versions that are shown of one question


def draw_earlier(record: DecisionRecord) -> None:
    """The answers, and questions, that this turn replaced; folded, and read only when unfolded."""
    if record.overrules is None:
        return
    label = say("chat.earlier")
    with st.expander(
        label, icon=":material/history:", type="compact", on_change="rerun", key=f"earlier-{record.turn_id}"
    ) as earlier:
        if not earlier.open:
            return
        for old in _replaced(record):
            st.caption(say("chat.earlier_asked", asked=old.asked))
            draw_body(old, key=f"{record.turn_id}-{old.turn_id}")
            st.caption(tier_line(old))


def _replaced(record: DecisionRecord) -> list[DecisionRecord]:
    found: list[DecisionRecord] = []
    name = record.overrules
    while name is not None and len(found) < _MOST:
        try:
            old = desk().copilot.record.get(name)
        except UnknownName:
            break
        found.append(old)
        name = old.overrules
    return found
