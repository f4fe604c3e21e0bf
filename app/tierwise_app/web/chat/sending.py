"""What leaves the device, before it does: the whole request, item by item; what may stay can be taken out."""

from __future__ import annotations

import streamlit as st

from tierwise import Outgoing, OutgoingItem
from tierwise_app.text import money, size
from tierwise_app.web.chat.dialogs import begin_dialog, does
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

_LONG = 700  # characters of an item that are shown unfolded


def draw_outgoing(outgoing: Outgoing) -> None:
    """One line on a request that waits."""
    st.warning(
        say("chat.outgoing_waits", tier=outgoing.tier, host=outgoing.host, size=size(outgoing.bytes)),
        icon=":material/outbound:",
    )


@st.dialog(say("chat.outgoing_title"), icon=":material/outbound:", width="medium")
def review_outgoing(turn_id: str, outgoing: Outgoing) -> None:
    """Show a request, item by item, and ask whether it may leave."""
    begin_dialog()
    price = say("chat.price_unknown") if outgoing.usd is None else f"≈ {plain(money(outgoing.usd))}"
    st.markdown(say("chat.outgoing_to", model=outgoing.model, host=outgoing.host) + " " + price)
    st.caption(say("chat.outgoing_help"))
    for n, item in enumerate(outgoing.items):
        with st.container(border=True, key=f"outgoing-{n}"):
            kind, title = say(f"chat.item.{item.kind}"), plain(item.title)
            label = f"**{kind}**" if title == kind else f"**{kind}** {title}"
            if item.removable:
                st.checkbox(label, True, key=_key(outgoing, item))
            else:
                st.markdown(label)
            if len(item.text) > _LONG:
                with st.expander(say("chat.item_long", count=f"{len(item.text):,}")):
                    st.code(item.text, language=None, wrap_lines=True)
            else:
                st.code(item.text, language=None, wrap_lines=True)
    with st.container(horizontal=True):
        st.button(
            say("chat.send_out", tier=outgoing.tier),
            type="primary",
            key="send-out",
            on_click=does(lambda: _decide(turn_id, outgoing, send=True)),
        )
        st.button(
            say("chat.keep_here"),
            key="keep-here",
            icon=":material/lock:",
            on_click=does(lambda: _decide(turn_id, outgoing, send=False)),
        )


def _decide(turn_id: str, outgoing: Outgoing, *, send: bool) -> None:
    """Store the decision, and let the turn go on with it."""
    without = [i.id for i in outgoing.items if i.removable and not st.session_state.get(_key(outgoing, i), True)]
    desk().copilot.decide_sending(turn_id, outgoing.id, allow=send, without=without if send else ())
    desk().go_on(turn_id)


def _key(outgoing: Outgoing, item: OutgoingItem) -> str:
    return f"send-{outgoing.id}-{item.id}"
