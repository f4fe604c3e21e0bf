"""The sample documents: read with one click, then asked about."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.runtime import new_thread_id
from tierwise_app.samples import COLLECTION, QUESTIONS, TRY_QUESTION, documents
from tierwise_app.web.chat import visit
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.knowledge.work import start_ingest
from tierwise_app.web.words import plain, raw, say

_PROBLEM = "welcome-problem"


def draw_samples(desk: Desk) -> None:
    """Draw the offer to read them, how far that is, or three questions."""
    st.markdown(f"**{say('welcome.samples.title')}**")
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    job = _job(desk)
    if job is not None and not job.over:
        st.fragment(_watch, run_every=0.5)(desk)
        return
    if _are_read(desk):
        st.markdown(say("welcome.samples.ask"))
        for n, question in enumerate((QUESTIONS[0].text, QUESTIONS[1].text, TRY_QUESTION)):
            st.button(
                plain(question),
                key=f"welcome-question-{n}",
                icon=":material/chat_bubble:",
                width="stretch",
                wrap=True,
                on_click=_ask,
                args=(question,),
            )
        return
    if job is not None and job.error is not None:
        st.error(say("welcome.samples.failed", problem=job.error), icon=":material/error:")
    st.markdown(say("welcome.samples.about"))
    st.button(
        say("welcome.samples.read"), key="welcome-read", type="primary", icon=":material/menu_book:", on_click=_read
    )


def _watch(desk: Desk) -> None:
    job = _job(desk)
    if job is None or job.over:
        st.rerun()
    else:
        st.progress(job.share or 0.0, text=say("welcome.samples.reading"))
        st.caption(plain(job.text))


def _job(desk: Desk) -> Job | None:
    title = raw("welcome.samples.job")
    return next((job for job in reversed(desk.jobs.of("ingest")) if job.title == title), None)


def _are_read(desk: Desk) -> bool:
    try:
        return any(one.name == COLLECTION for one in desk.copilot.knowledge.collections())
    except TierwiseError:
        return False


def _read() -> None:
    folder, collection = documents()[0]
    try:
        start_ingest(desk(), [str(folder)], collection=collection, lock=False, title=raw("welcome.samples.job"))
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)


def _ask(question: str) -> None:
    """Ask about the sample documents in a new thread; with a first turn the welcome is over."""
    here = desk()
    thread = new_thread_id()
    try:
        here.ask(question, thread=thread, **(visit.options(here) | {"collection": COLLECTION}))
        here.prefer(welcomed=True)
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        visit.open_thread(thread)
