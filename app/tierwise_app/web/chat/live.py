"""A turn while it happens. The page only looks at it: clicks, reloads and other windows do not disturb it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise import RunningTurn
from tierwise_app.text import rough
from tierwise_app.web.answer.markdown import safe_markdown
from tierwise_app.web.chat.progress import Phase, Progress, State
from tierwise_app.web.chat.voices import answerer, person
from tierwise_app.web.desk import desk
from tierwise_app.web.pending import Pending
from tierwise_app.web.words import plain, say

EVERY = 0.25
"""Seconds between two looks at a running turn."""
_ICONS: dict[State, str] = {"running": "spinner", "complete": ":material/check:", "error": ":material/error:"}
_FOR_THE_END = 3.0  # seconds that a stopped turn gets to put things in order


@st.fragment(run_every=EVERY)
def draw_live(thread: str) -> None:
    """The turn that runs in a thread, or the message that waits for its files; then the page is drawn anew."""
    pending = desk().pending.get(thread)
    turn = desk().turn(thread)
    if pending is not None and not pending.over:
        _draw_pending(pending)
    elif turn is not None and not turn.over:
        _draw_turn(turn)
    else:
        st.rerun()


def _draw_pending(pending: Pending) -> None:
    with person():
        st.markdown(plain(pending.asked) or say("chat.files_only"))
    with answerer():
        st.progress(pending.job.share or 0.0, text=say("chat.reading_files", text=pending.job.text))
        if st.button(say("chat.stop"), key="stop-pending", icon=":material/stop_circle:"):
            pending.stop()


def _draw_turn(turn: RunningTurn) -> None:
    progress = _follow(turn)
    with person():
        st.text(turn.asked)
    with answerer():
        _draw_phases(progress)
        for draft in progress.replaced:
            with st.expander(say("chat.replaced_draft", tier=draft.tier), icon=":material/history:"):
                st.markdown(safe_markdown(draft.text))
        if progress.text:
            st.caption(say("chat.draft_by", tier=progress.writer))
            st.markdown(safe_markdown(progress.text))
        if st.button(
            say("chat.stop"), key="stop", icon=":material/stop_circle:", help=say("chat.stop_help"), shortcut="Esc"
        ):
            turn.stop()
            turn.wait(_FOR_THE_END)
            st.rerun()


def _follow(turn: RunningTurn) -> Progress:
    """The window's own view of the turn, grown by what happened since it was drawn last."""
    known: tuple[RunningTurn, Progress] | None = st.session_state.get("progress")
    if known is None or known[0] is not turn:
        known = st.session_state["progress"] = (turn, Progress())
    known[1].take(turn.events(after=known[1].taken))
    return known[1]


def _draw_phases(progress: Progress) -> None:
    now = progress.now
    label = phase_text(now) if now else say("chat.phase.begin")
    # Expanders, not st.status: making one of those takes 50 ms of sleep each, at every look.
    whole = st.expander(f":shimmer[{label}]", type="compact", icon=_ICONS["running"])
    for phase in progress.phases:
        step = whole.expander(phase_text(phase), type="step", icon=_ICONS[phase.state])
        if detail := phase.values.get("why") or phase.values.get("said"):
            step.caption(plain(str(detail)))
    if now is not None and now.key == "read" and now.share is not None and now.state == "running":
        st.progress(now.share, text=phase_text(now))


def phase_text(phase: Phase) -> str:
    """A phase in words, as Markdown."""
    values: dict[str, Any] = dict(phase.values)
    key, sure = phase.key, ""
    if key == "search" and "found" in values:
        key = "found" if values["found"] else "found_nothing"
    elif key == "read" and "total" in values:
        key = "read_of"
        values |= {"done": f"{values['done']:,}", "total": f"{values['total']:,}"}
    elif values.get("seconds") is not None:
        key, values["about"] = f"{key}_about", rough(values["seconds"])
    elif key == "check":
        key = f"check_{values['outcome']}"
        sure = "" if values["p_good"] is None else f" ({values['p_good']:.2f})"
    elif key == "look":
        key = f"look_{values['look']}"
    return say(f"chat.phase.{key}", **values) + sure


def is_live(thread: str | None) -> bool:
    """Whether something of this server goes on in a thread."""
    if thread is None:
        return False
    pending = desk().pending.get(thread)
    return desk().is_busy(thread) or (pending is not None and not pending.over)


@st.fragment(run_every=2.0)
def watch(thread: str, drawn: tuple[int, ...]) -> None:
    """Draw the page anew when another window or program has changed the thread."""
    if desk().copilot.record.thread_state(thread) != drawn or is_live(thread):
        st.rerun()
