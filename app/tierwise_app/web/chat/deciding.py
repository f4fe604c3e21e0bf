"""A turn that waits for a person: a tool call that may change something, or a request that would leave the device."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from tierwise import DecisionRecord
from tierwise.errors import InvalidInput
from tierwise.turns import WaitingCall
from tierwise_app.web.chat.dialogs import begin_dialog, does
from tierwise_app.web.chat.sending import draw_outgoing, review_outgoing
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

_SHORT = 80  # characters of a text that one line is enough for


def draw_waiting(record: DecisionRecord, *, newest: bool) -> None:
    """What a turn waits for, with a button to decide; for the newest turn the question is asked at once."""
    opened = f"asked-{record.turn_id}-{len(record.waiting)}-{record.outgoing.id if record.outgoing else ''}"
    ask_now = newest and not st.session_state.get(opened)
    st.session_state[opened] = True
    if record.outgoing is not None:
        draw_outgoing(record.outgoing)
        if st.button(say("chat.review_outgoing"), key=f"review-{record.turn_id}", type="primary") or ask_now:
            review_outgoing(record.turn_id, record.outgoing)
        return
    waiting = desk().copilot.record.waiting_calls(record.turn_id)
    for call in waiting:
        st.warning(say("chat.waits", tool=call.name, why=call.why), icon=":material/front_hand:")
    if st.button(say("chat.review_calls"), key=f"review-{record.turn_id}", type="primary") or ask_now:
        review_calls(record.turn_id)


@st.dialog(say("chat.approve_title"), icon=":material/front_hand:", width="medium")
def review_calls(turn_id: str) -> None:
    """Ask about the calls of a turn, one by one; what is shown is what is run."""
    begin_dialog()
    waiting = desk().copilot.record.waiting_calls(turn_id)
    if not waiting:
        st.info(say("chat.decided"))
        return
    call = waiting[0]
    if len(waiting) > 1:
        st.caption(say("chat.approve_more", count=len(waiting)))
    st.markdown(
        say("chat.approve_what", tool=call.name, origin=call.origin, tier=call.tier, effects=", ".join(call.effects))
    )
    st.caption(say("chat.approve_why", why=call.why))
    _draw_arguments(call)
    st.text_input(say("chat.deny_reason"), key=f"deny-{call.id}", max_chars=300)
    with st.container(horizontal=True):
        st.button(
            say("chat.approve_once"), key=f"once-{call.id}", type="primary", on_click=does(lambda: _allow(call, False))
        )
        st.button(
            say("chat.approve_always"),
            key=f"always-{call.id}",
            help=say("chat.approve_always_help"),
            on_click=does(lambda: _allow(call, True)),
        )
        st.button(say("chat.deny"), key=f"no-{call.id}", on_click=does(lambda: _deny(call)))


def _allow(call: WaitingCall, always: bool) -> bool:
    arguments = {name: _argument(call.id, name, value) for name, value in call.arguments.items()}
    changed = None if arguments == call.arguments else arguments
    desk().copilot.decide(call.turn_id, call.id, allow=True, always=always, arguments=changed)
    return _go_on(call.turn_id)


def _deny(call: WaitingCall) -> bool:
    reason = st.session_state.get(f"deny-{call.id}") or ""
    desk().copilot.decide(call.turn_id, call.id, allow=False, reason=reason)
    return _go_on(call.turn_id)


def _go_on(turn_id: str) -> bool:
    """Go on with the turn once all its calls are decided on; whether they are."""
    if desk().copilot.record.waiting_calls(turn_id):
        return False
    desk().go_on(turn_id)
    return True


def _draw_arguments(call: WaitingCall) -> None:
    """A field for each argument."""
    if not call.arguments:
        st.caption(say("chat.no_arguments"))
    for name, value in call.arguments.items():
        key, label = _key(call.id, name), plain(name)
        if isinstance(value, bool):
            st.checkbox(label, value, key=key)
        elif isinstance(value, str):
            short = len(value) <= _SHORT and "\n" not in value
            (st.text_input if short else st.text_area)(label, value, key=key)
        else:
            text = json.dumps(value, ensure_ascii=False, indent=2)
            st.text_area(label, text, key=key, help=say("chat.as_json"))


def _argument(call_id: str, name: str, value: Any) -> Any:
    """An argument as the person left it.

    Raises:
        InvalidInput: if it should be JSON and is not.
    """
    left = st.session_state.get(_key(call_id, name))
    if left is None or isinstance(value, bool | str):
        return value if left is None else left
    try:
        return json.loads(left)
    except ValueError as error:
        raise InvalidInput(f"{name} is not JSON: {error}.", fix="Correct it, or deny the call.") from error


def _key(call_id: str, name: str) -> str:
    return f"argument-{call_id}-{name}"
