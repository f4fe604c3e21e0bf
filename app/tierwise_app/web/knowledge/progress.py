"""What runs on the documents now, and how what ran has ended."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.knowledge import IngestReport
from tierwise_app.web.desk import desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.knowledge.reports import draw_report
from tierwise_app.web.knowledge.work import KINDS, start_again
from tierwise_app.web.words import plain, raw, say


def draw_jobs() -> None:
    """Draw the jobs; while one runs, this part of the page looks again every second."""
    running = any(not job.over for job in _jobs())
    st.fragment(_draw, run_every=1.0 if running else None)(watching=running)


def _jobs() -> list[Job]:
    return sorted((job for kind in KINDS for job in desk().jobs.of(kind)), key=lambda job: -job.begun)


def _draw(*, watching: bool) -> None:
    jobs = _jobs()
    if watching and all(job.over for job in jobs):
        st.rerun()  # the lists below have changed as well
    newest = next((job for job in jobs if isinstance(job.result, IngestReport)), None)
    for job in jobs:
        if not job.over:
            _draw_running(job)
        elif job.error is not None:
            _draw_failed(job)
        elif isinstance(job.result, IngestReport):
            _draw_report(job, job.result, expanded=job is newest)
        else:
            _tell_once(job)


def _draw_running(job: Job) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(job.title)}**")
        text = job.text or raw("knowledge.jobs.beginning")
        said = plain(text) if job.wanted else say("knowledge.jobs.stopping", text=text)
        if job.share is None:
            st.markdown(f":material/hourglass_top: {said}")
        else:
            st.progress(job.share, text=said)
        st.button(
            say("knowledge.jobs.stop"),
            key=f"job-stop-{job.id}",
            icon=":material/stop:",
            help=say("knowledge.jobs.stop_help"),
            disabled=not job.wanted,
            on_click=job.stop,
        )


def _draw_failed(job: Job) -> None:
    with st.container(border=True):
        st.error(f"**{plain(job.title)}**  \n{plain(job.error or '')}", icon=":material/error:")
        with st.container(horizontal=True):
            again = st.button(say("knowledge.jobs.again"), key=f"job-again-{job.id}", icon=":material/replay:")
            _draw_dismiss(job)
        if again:
            _begin_again(job)


def _begin_again(job: Job) -> None:
    try:
        begun = start_again(job)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if begun is not None:
        desk().jobs.dismiss(job.id)
        st.rerun()


def _draw_report(job: Job, report: IngestReport, *, expanded: bool) -> None:
    troubled = report.failed or report.stopped
    icon = ":material/warning:" if troubled else ":material/check_circle:"
    with st.expander(plain(job.title), expanded=expanded, icon=icon, key=f"job-{job.id}"):
        draw_report(report, key=f"report-{job.id}", action=lambda: _draw_dismiss(job))


def _draw_dismiss(job: Job) -> None:
    st.button(
        say("knowledge.jobs.dismiss"),
        key=f"job-dismiss-{job.id}",
        icon=":material/close:",
        help=say("knowledge.jobs.dismiss_help"),
        on_click=desk().jobs.dismiss,
        args=(job.id,),
    )


def _tell_once(job: Job) -> None:
    desk().jobs.dismiss(job.id)
    if not isinstance(job.result, int):
        return
    if job.kind == "rebuild":
        said = say("knowledge.jobs.rebuilt", count=f"{job.result:,}")
    else:
        said = say("knowledge.jobs.removed", documents=counted("documents", job.result))
    st.toast(said, icon=":material/check_circle:")
