"""What a person allowed for good, and what waits for a yes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.text import when
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import say_next
from tierwise_app.web.tools.sources import tool_named
from tierwise_app.web.words import plain, say

if TYPE_CHECKING:
    from tierwise_tools import Toolset


def draw_approvals(found: Toolset) -> None:
    """Draw what was allowed, with a way to take it back."""
    record = desk().copilot.record
    waiting = [call for turn in record.waiting_turns() for call in turn.waiting]
    if waiting:
        names = ", ".join(dict.fromkeys(call.name for call in waiting))
        st.info(say("tools.approvals.waiting", names=names), icon=":material/front_hand:")
    st.caption(say("tools.approvals.intro"))
    allowances = record.allowances()
    if not allowances:
        st.info(say("tools.approvals.none"), icon=":material/info:")
    for one in allowances:
        tool = tool_named(found, one.tool)
        state = "off" if tool is None else "holds" if tool.fingerprint == one.fingerprint else "changed"
        with st.container(border=True, key=f"tools.allowed.{one.tool}"):
            st.markdown(f"**{plain(one.tool)}**")
            st.caption(f"{say('tools.approvals.since', when=when(one.given))} · {say(f'tools.approvals.{state}')}")
            st.button(
                say("tools.approvals.take_back"),
                icon=":material/undo:",
                key=f"tools.forget.{one.tool}",
                on_click=partial(_forget, one.tool),
            )


def _forget(name: str) -> None:
    try:
        desk().copilot.record.forget_allowance(name)
    except TierwiseError as error:
        st.session_state["tools.failed"] = str(error)
    else:
        say_next(say("tools.approvals.taken", name=name))
