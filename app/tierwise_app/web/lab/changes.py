"""The turns that another setting would decide otherwise, and why each went as it went."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tierwise import DecisionRecord
from tierwise.errors import TierwiseError
from tierwise.routing import Replay
from tierwise_app.text import one_line, when
from tierwise_app.web.answer.why import draw_why
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, raw, say

_PAGE = 10


@st.fragment
def draw_changes(found: Replay, start: float | None) -> None:
    """Draw the list of turns that would change, ten at a time."""
    kinds = {"fewer": found.fewer, "more": found.more}
    st.subheader(say("lab.changes.title"))
    if not found.fewer and not found.more:
        st.info(say("lab.changes.none"), icon=":material/check:")
        return
    options = [kind for kind, ids in kinds.items() if ids]
    kind = st.segmented_control(
        say("lab.changes.which"),
        options,
        default=options[0],
        required=True,
        format_func=lambda name: say(f"lab.changes.{name}", n=f"{len(kinds[name]):,}"),
        key=f"lab-kind-{'-'.join(options)}",
        label_visibility="collapsed",
    )
    ids = kinds[kind if kind in options else options[0]][::-1]  # the latest first
    pages = -(-len(ids) // _PAGE)
    page = 1
    if pages > 1:
        page = min(pages, max(1, st.pagination(pages, key=f"lab-page-{kind}-{pages}")))
    records = _records(ids[(page - 1) * _PAGE : page * _PAGE], start)
    for record in records:
        _draw_one(record, up=kind == "more")


def _records(ids: Sequence[str], start: float | None) -> list[DecisionRecord]:
    known = {record.turn_id: record for record in desk().copilot.record.outlines(start)}
    return [known[turn_id] for turn_id in ids if turn_id in known]


def _draw_one(record: DecisionRecord, *, up: bool) -> None:
    tiers = [tier.name for tier in desk().copilot.tiers]
    then = record.final or record.chosen or tiers[0]
    now = tiers[min(1, len(tiers) - 1)] if up else tiers[0]
    chance = record.attempts[0].p_good if record.attempts else None
    with st.container(border=True):
        st.markdown(f"**{plain(one_line(record.asked, 200))}**")
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            facts = [
                say("lab.changes.tiers", then=then, now=now),
                say("lab.changes.chance", p=f"{chance:.0%}") if chance is not None else say("lab.changes.no_chance"),
                judged(record),
                plain(when(record.created)),
            ]
            st.caption(" · ".join(facts), width="content")
            if st.button(
                say("lab.changes.why"), icon=":material/help:", key=f"lab-why-{record.turn_id}",
                help=say("lab.changes.why_help"), type="tertiary",
            ):  # fmt: skip
                show_why(record.turn_id)


def judged(record: DecisionRecord) -> str:
    """What the user thought of the answer, in Streamlit's Markdown."""
    said = record.feedback or ""
    if record.overruled in ("escalate", "local"):
        return say(f"lab.judged.{record.overruled}")
    if said.startswith("down"):
        return say("lab.judged.down")
    return say("lab.judged.up" if said.startswith("up") else "lab.judged.none")


@st.dialog(raw("lab.why.title"), width="medium")
def show_why(turn_id: str) -> None:
    """Show what decided a turn: every attempt with its evidence, and what it came to."""
    try:
        record = desk().copilot.record.get(turn_id)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.markdown(f"**{plain(one_line(record.asked, 400))}**")
    st.caption(f"{plain(when(record.created))} · {judged(record)}")
    draw_why(record)
    if record.text:
        with st.expander(say("lab.why.answer"), icon=":material/notes:"):
            st.text(record.text)
    st.page_link("app_pages/chat.py", label=say("lab.why.open"), icon=":material/forum:",
                 query_params={"thread": record.thread})  # fmt: skip
