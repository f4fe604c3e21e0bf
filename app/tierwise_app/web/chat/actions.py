"""What can be done with an answer: judging, copying, editing its question, having it given again here or higher up."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise import DecisionRecord
from tierwise.errors import TierwiseError, UsageError
from tierwise_app.config_values import shows_before_sending
from tierwise_app.overrule import tier_above, tier_here
from tierwise_app.text import money, plural
from tierwise_app.web.chat import visit
from tierwise_app.web.chat.dialogs import begin_dialog, does
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

_THUMBS = ("down", "up")


def draw_actions(record: DecisionRecord, *, newest: bool) -> None:
    """The row of buttons below an answer.

    Args:
        record: the turn.
        newest: it is the last of its thread; only there is the price told before any click: finding it costs time.
    """
    busy = desk().is_busy(record.thread)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if record.final is not None:
            _draw_other_tier(record, "escalate", busy=busy, priced=newest)
            _draw_other_tier(record, "local", busy=busy, priced=False)
        if st.button(
            say("chat.again"),
            key=f"again-{record.turn_id}",
            icon=":material/refresh:",
            type="tertiary",
            disabled=busy,
            help=say("chat.again_help"),
        ):
            does(lambda: _ask_again(record, tier=record.final or "auto"))()
            st.rerun(scope="app")
        if st.button(
            say("chat.edit"), key=f"edit-{record.turn_id}", icon=":material/edit:", type="tertiary", disabled=busy
        ):
            _edit(record)
        if record.text:
            with st.popover(say("chat.copy"), icon=":material/content_copy:", type="tertiary"):
                st.code(record.text, language=None, wrap_lines=True)
        if record.final is not None:
            _draw_thumbs(record)


def _draw_other_tier(record: DecisionRecord, way: str, *, busy: bool, priced: bool) -> None:
    try:
        tier = (tier_above if way == "escalate" else tier_here)(desk().copilot.tiers, record.final or "")
    except TierwiseError:
        return
    label = say(f"chat.{way}")
    if priced and (price := _price(record, tier)):
        label = f"{label} · {plain(price)}"
    icon = ":material/trending_up:" if way == "escalate" else ":material/home_pin:"
    if st.button(label, key=f"{way}-{record.turn_id}", icon=icon, type="tertiary", disabled=busy):
        _confirm(record, tier)


def _price(record: DecisionRecord, tier: str) -> str:
    """What asking a tier again would cost and send, in a few words; empty if that cannot be told."""
    try:
        outgoing = desk().copilot.outgoing(record.turn_id, tier=tier)
    except TierwiseError:
        return ""
    if not outgoing.host:
        return ""
    return say("chat.price_unknown") if outgoing.usd is None else f"≈ {money(outgoing.usd)}"


@st.dialog(say("chat.other_title"), icon=":material/compare_arrows:")
def _confirm(record: DecisionRecord, tier: str) -> None:
    """What leaves and what it costs, before the click that does it."""
    begin_dialog()
    copilot = desk().copilot
    try:
        outgoing = copilot.outgoing(record.turn_id, tier=tier)
    except TierwiseError as error:
        st.warning(plain(str(error)), icon=":material/lock:")
        return
    st.markdown(say("chat.other_asked", asked=record.asked))
    if outgoing.host:
        passages = sum(item.kind == "passage" for item in outgoing.items)
        st.markdown(
            say(
                "chat.other_leaves",
                tier=tier,
                host=outgoing.host,
                bytes=f"{outgoing.bytes:,}",
                passages=plural(passages, "passage"),
                price=say("chat.price_unknown") if outgoing.usd is None else money(outgoing.usd),
            )
        )
    else:
        st.markdown(say("chat.other_stays", tier=tier))
    st.button(
        say("chat.other_ask", tier=tier),
        type="primary",
        key="confirm-other",
        on_click=does(lambda: _ask_again(record, tier=tier)),
    )


@st.dialog(say("chat.edit_title"), icon=":material/edit:", width="medium")
def _edit(record: DecisionRecord) -> None:
    begin_dialog()
    key = f"edited-{record.turn_id}"
    st.text_area(say("chat.edit_question"), record.asked, key=key, height=160)
    st.caption(say("chat.edit_help"))
    st.button(
        say("chat.edit_ask"),
        type="primary",
        key="confirm-edit",
        on_click=does(
            lambda: _ask_again(record, tier=visit.options(desk())["tier"], question=st.session_state.get(key) or "")
        ),
    )


def _ask_again(record: DecisionRecord, **how: Any) -> None:
    if desk().is_busy(record.thread):
        raise UsageError("An answer is being written in this thread.", fix="Stop it, or wait for its end.")
    options = {name: value for name, value in visit.options(desk()).items() if name in ("dial", "grounded")}
    options["show_before_sending"] = shows_before_sending(desk().settings)
    desk().ask_again(record.turn_id, lock=bool(st.session_state.get("ask-lock")), **options, **how)


def _draw_thumbs(record: DecisionRecord) -> None:
    given, _, reason = (record.feedback or "").partition(": ")
    key = f"thumb-{record.turn_id}"
    stored = _THUMBS.index(given) if given in _THUMBS else None
    thumb = st.feedback("thumbs", key=key, default=stored)
    if thumb is None:
        return
    if thumb != stored and st.session_state.get(f"{key}-sent") != thumb:
        _judge(record, _THUMBS[thumb])
        st.session_state[f"{key}-sent"] = thumb
    with st.popover(say("chat.reason"), icon=":material/comment:", type="tertiary"):
        why = st.text_input(say("chat.reason_label"), reason, key=f"{key}-why", max_chars=200)
        if st.button(say("chat.reason_send"), key=f"{key}-send") and why:
            _judge(record, f"{_THUMBS[thumb]}: {why}")
            st.toast(say("chat.reason_kept"), icon=":material/check:")


def _judge(record: DecisionRecord, said: str) -> None:
    try:
        desk().copilot.record.set_feedback(record.turn_id, said)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
