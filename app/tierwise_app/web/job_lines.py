"""Jobs on a page: how far each is, a way to stop it, and what it came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.web.desk import desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import plain, say

DrawResult = Callable[[Job, Any], None]
_EVERY = 1.0  # seconds between two looks at what runs


def draw_jobs(page: str, kinds: tuple[str, ...], draw_result: DrawResult) -> None:
    """Draw the jobs of some kinds, looked at again while one of them runs; the page is drawn anew when one ends.

    Args:
        page: the page's name.
        kinds: which jobs.
        draw_result: draws what a job that is over came to; buttons go into the container it is handed.
    """
    found = [job for kind in kinds for job in desk().jobs.of(kind)]
    if not found:
        return
    running = {job.id for job in found if not job.over}

    def lines() -> None:
        ended = {job.id for job in found if job.over} & running
        if ended:
            st.rerun()
        for job in found:
            _line(page, job, draw_result)

    st.fragment(lines, run_every=_EVERY if running else None, key=f"{page}.jobs")()


def is_running(kinds: tuple[str, ...], title: str) -> bool:
    """Whether a job about that runs."""
    return any(job.title == title and not job.over for kind in kinds for job in desk().jobs.of(kind))


def begin(start: Callable[[], object]) -> None:
    """Begin a job and draw the page anew, or say why it cannot begin."""
    try:
        start()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        st.rerun()


def _line(page: str, job: Job, draw_result: DrawResult) -> None:
    with st.container(border=True):
        if not job.over:
            text = plain(job.text) if job.wanted else say("work.stopping")
            title = f"**{plain(job.title)}**"
            if job.share is not None:
                st.progress(min(max(job.share, 0.0), 1.0), text=f"{title}: {text}")
            else:
                st.markdown(f":material/hourglass_top: {title}: {text}")
            if st.button(
                say("work.stop"), key=f"{page}.stop.{job.id}", icon=":material/stop:", disabled=not job.wanted
            ):
                job.stop()
                st.rerun()
            return
        body, actions = st.container(), st.container(horizontal=True)
        with body:
            if job.error is None:
                draw_result(job, actions)
            elif job.wanted:
                st.error(f"**{plain(job.title)}**: {plain(job.error)}", icon=":material/error:")
            else:
                st.info(f"**{plain(job.title)}**: {plain(job.error)}", icon=":material/stop_circle:")
        if actions.button(say("work.dismiss"), key=f"{page}.dismiss.{job.id}", icon=":material/close:"):
            desk().jobs.dismiss(job.id)
            st.rerun()
