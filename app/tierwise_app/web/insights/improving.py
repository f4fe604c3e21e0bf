"""Answers that a larger tier should have given, and can now: what would be asked, and asking it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.config_values import shows_before_sending
from tierwise_app.text import money, one_line, size
from tierwise_app.web.desk import Desk
from tierwise_app.web.job_lines import draw_jobs
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import plain, raw, say

if TYPE_CHECKING:
    from tierwise.runtime import Improvable

KIND = "improve"
_OPEN = "improve-open"


def draw_improving(here: Desk) -> None:
    """Say how many answers can be improved, and let a person have it done; nothing if there are none."""
    draw_jobs("insights", (KIND,), _draw_result)
    running = any(not job.over for job in here.jobs.of(KIND))
    count = here.copilot.record.missed_count()
    if not count or running:
        return
    title = say("improving.one") if count == 1 else say("improving.many", count=count)
    with st.container(border=True, key="improving"):
        st.markdown(f":material/trending_up: {title}")
        if here.settings.offline or here.settings.locked:
            st.caption(say("improving.not_now"))
        elif st.session_state.get(_OPEN):
            _draw_plan(here)
        else:
            st.button(say("improving.show"), key="improve-show", on_click=_open)


def _draw_plan(here: Desk) -> None:
    try:
        found = here.copilot.improvable()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    plan = [one for one in found if one.against is None]
    for one in found:
        told = _request(one) if one.against is None else raw("improving.left_out", why=one.against)
        st.markdown(f"{plain(one_line(one.asked))}  \n:small[{plain(told)}]")
    if plan and st.button(
        say("improving.ask", count=len(plan)), key="improve-ask", type="primary", icon=":material/send:"
    ):
        _begin(here, plan)
        st.session_state.pop(_OPEN, None)
        st.rerun()


def _request(one: Improvable) -> str:
    cost = raw("improving.no_price") if one.usd is None else raw("improving.cost", usd=money(one.usd))
    if not one.host:
        return raw("improving.here", tier=one.tier)
    return raw("improving.there", tier=one.tier, cost=cost, size=size(one.bytes), host=one.host)


def _begin(here: Desk, plan: Sequence[Improvable]) -> Job:
    copilot, show = here.copilot, shows_before_sending(here.settings)
    tiers = {one.tier for one in plan}

    def work(job: Job) -> tuple[int, int]:
        better = waiting = 0
        with closing(cast(Any, copilot.improve([one.turn_id for one in plan], show_before_sending=show))) as answers:
            for n, answer in enumerate(answers, 1):
                better += answer.status == "done" and answer.tier in tiers
                waiting += answer.status == "needs_approval"
                job.tell(raw("improving.at", done=n, all=len(plan)), n / len(plan))
                if not job.wanted:
                    break
        return better, waiting

    return here.jobs.start(KIND, raw("improving.title"), work)


def _draw_result(job: Job, actions: Any) -> None:
    better, waiting = job.result
    text = say("improving.done", better=better)
    st.success(f"{text} {say('improving.waiting', waiting=waiting)}" if waiting else text, icon=":material/check:")


def _open() -> None:
    st.session_state[_OPEN] = True
