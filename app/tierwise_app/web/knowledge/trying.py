"""What a question would find, and whether a turn would read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from tierwise import Passage
from tierwise.errors import TierwiseError
from tierwise.knowledge import Collection, matching_words, relevance_floor
from tierwise.verify import asks_fact
from tierwise_app.text import clean
from tierwise_app.web.desk import desk
from tierwise_app.web.knowledge.collections import ALL
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.listing import name_of
from tierwise_app.web.knowledge.marking import marked
from tierwise_app.web.words import plain, raw, say

_COUNTS = (5, 10, 20)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a search found, judged as a turn would.

    Attributes:
        passages: best first.
        worths: of each.
        reads: how many of them a turn reads, the first ones.
        first: how many it would look at.
        floor: what the best has to be worth; ``None`` if the search went by words alone.
        total: passages there are.
        degraded: what the search had to do without.
    """

    passages: tuple[Passage, ...]
    worths: tuple[float, ...]
    reads: int
    first: int
    floor: float | None
    total: int
    degraded: str | None


def try_question(query: str, *, collection: str | None, k: int) -> Trial:
    """Search, and judge what was found as a turn would.

    Raises:
        TierwiseError: if it cannot be searched.
    """
    knowledge, first = desk().copilot.knowledge, desk().settings.passages
    found = knowledge.search(query, k=max(k, first), collection=collection)
    degraded = knowledge.degraded
    relevant = knowledge.relevant(query, found[:first])
    worths = knowledge.worths(query, found)
    total = sum(c.passages for c in knowledge.collections())
    floor = relevance_floor(total)
    by_words = relevant and max(worths[:first], default=0.0) < floor
    reads = min(first, len(found)) if relevant else 0
    return Trial(tuple(found), tuple(worths), reads, first, None if by_words else floor, total, degraded)


@st.fragment
def draw_trying(collections: Sequence[Collection]) -> None:
    """Draw the question and what it finds; only this part is drawn anew by it."""
    if not any(c.passages for c in collections):
        st.info(say("knowledge.try.empty"), icon=":material/search:")
        return
    st.caption(say("knowledge.try.intro"))
    names = [c.name for c in collections]
    with st.form("knowledge-try", border=False):
        query = st.text_input(
            say("knowledge.try.query"), key="try-query", placeholder=raw("knowledge.try.query_placeholder")
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            collection = st.selectbox(
                say("knowledge.try.collection"),
                [ALL, *names],
                key="try-collection",
                format_func=lambda name: raw("knowledge.collections.all") if name == ALL else name,
                width=240,
            )
            k = st.selectbox(say("knowledge.try.count"), _COUNTS, key="try-count", width=120)
            asked = st.form_submit_button(say("knowledge.try.submit"), type="primary", icon=":material/search:")
    query = (query or "").strip()
    if not query:
        if asked:
            st.error(say("knowledge.try.nothing"), icon=":material/error:")
        return
    try:
        with st.spinner(say("knowledge.try.searching"), show_time=False):
            trial = try_question(query, collection=collection if collection in names else None, k=int(k))
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _draw_verdict(trial, query, next((c for c in collections if c.name == collection), None))
    for n, (passage, worth) in enumerate(zip(trial.passages, trial.worths, strict=True), 1):
        _draw_passage(n, passage, worth, trial, query)


def _draw_verdict(trial: Trial, query: str, limited: Collection | None) -> None:
    if trial.degraded is not None:
        st.warning(plain(trial.degraded), icon=":material/warning:")
    lines = [*_found(trial), *_grounding(trial, query, limited)]
    draw = st.success if trial.reads else st.warning
    draw("\n\n".join(lines), icon=":material/check_circle:" if trial.reads else ":material/filter_alt_off:")
    if trial.passages:
        st.caption(
            f"{say('knowledge.try.marks')} {say('knowledge.try.floor_help', count=f'{trial.total:,}')}",
        )


def _found(trial: Trial) -> list[str]:
    best = f"{max(trial.worths[: trial.first], default=0.0):.2f}"
    read = counted("passages", trial.reads)
    if not trial.passages:
        return [say("knowledge.try.none_found")]
    if trial.floor is None:
        return [say("knowledge.try.reads_by_words", passages=read)]
    key = "knowledge.try.reads" if trial.reads else "knowledge.try.dropped"
    return [say(key, passages=read, best=best, floor=f"{trial.floor:.2f}")]


def _grounding(trial: Trial, query: str, limited: Collection | None) -> list[str]:
    """What that means for the answer."""
    fact = asks_fact(query)
    said = []
    if trial.reads:
        said.append(say("knowledge.try.grounded" if fact else "knowledge.try.free"))
    elif fact and limited is not None:
        said.append(say("knowledge.try.refused", name=limited.name))
    else:
        said.append(say("knowledge.try.own"))
    if limited is not None and limited.locked:
        said.append(say("knowledge.try.limited_lock"))
    elif any(passage.locked for passage in trial.passages[: trial.reads]):
        said.append(say("knowledge.try.locked"))
    return said


def _draw_passage(n: int, passage: Passage, worth: float, trial: Trial, query: str) -> None:
    with st.container(border=True, gap="xsmall"):
        place = name_of(passage.source)
        if passage.page is not None:
            place = raw("knowledge.try.place", name=place, page=passage.page)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{n}\\. {plain(place)}**", width="content")
            if n <= trial.reads:
                st.badge(say("knowledge.try.read"), icon=":material/check:", color="green")
            elif n > trial.first:
                st.badge(say("knowledge.try.beyond", count=trial.first), color="gray")
            else:
                st.badge(say("knowledge.try.below"), icon=":material/filter_alt_off:", color="orange")
            if passage.locked:
                st.badge(say("knowledge.try.is_locked"), icon=":material/lock:", color="green")
        scores = say("knowledge.try.scores", worth=f"{worth:.2f}", score=f"{passage.score:.2f}")
        facts = [scores, plain(passage.collection), *([plain(passage.title)] if passage.title else [])]
        st.caption(" · ".join(facts))
        text = clean(passage.text)
        st.markdown(marked(text, matching_words(query, text)))
