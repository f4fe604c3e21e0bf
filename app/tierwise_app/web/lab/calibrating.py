"""The section about calibration: what is in force, what it is worth, and making one from one's own turns."""

from __future__ import annotations

import streamlit as st

from tierwise.runtime import LEAST_QUESTIONS
from tierwise_app.calibration_report import report_notes, report_rows
from tierwise_app.text import duration, money, when
from tierwise_app.web.desk import desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.lab.calibration_work import (
    CALIBRATE,
    ESTIMATE,
    Done,
    Planned,
    begin_calibration,
    begin_estimate,
    usable,
)
from tierwise_app.web.lab.trying import InForce
from tierwise_app.web.words import plain, raw, say

_GOOD = 300  # questions
_MOST = 2000


def draw_calibration(judged: InForce, start: float | None) -> None:
    """Draw the section."""
    st.subheader(say("lab.calibration.title"))
    st.markdown(say("lab.calibration.lead"))
    _draw_state(judged)
    running = next((job for job in _jobs() if not job.over), None)
    every = "1s" if running is not None else None
    st.fragment(_draw_work, run_every=every)(start)


def _jobs() -> list[Job]:
    return [*desk().jobs.of(ESTIMATE), *desk().jobs.of(CALIBRATE)]


def _draw_state(judged: InForce) -> None:
    if judged.problem is not None:
        st.warning(plain(judged.problem), icon=":material/warning:")
    if judged.found is None:
        if judged.problem is None:
            st.markdown(say("lab.calibration.no_one"))
        return
    found = judged.found
    state = "in_force" if judged.used is not None else "not_in_force"
    st.markdown(say(f"lab.calibration.{state}", id=found.id, when=when(found.created), n=f"{found.questions:,}"))
    top = list(found.models)[-1]
    with st.expander(say("lab.calibration.worth"), icon=":material/query_stats:"):
        for tier, figures in found.figures.items():
            st.markdown(say("lab.calibration.pair", tier=tier, top=top))
            rows = [
                {
                    raw("lab.calibration.setting"): name,
                    raw("lab.calibration.sent_up"): f"{share:.0%}",
                    raw("lab.calibration.right"): f"{quality:.1%}",
                    raw("lab.calibration.random"): "" if chance is None else f"{chance:.1%}",
                }
                for name, share, quality, chance in report_rows(figures, tier, top)
            ]
            st.dataframe(rows, hide_index=True, height="content", alt=raw("lab.calibration.worth"))
            st.text("\n".join(" ".join(note.split()) for note in report_notes(figures)))
        st.caption(say("lab.calibration.honest"))


def _draw_work(start: float | None) -> None:
    jobs = _jobs()
    running = next((job for job in jobs if not job.over), None)
    if running is not None:
        _draw_running(running)
        return
    if st.session_state.pop("lab-watched", False):
        st.rerun()  # the whole page: what is in force may be another
    for job in desk().jobs.of(CALIBRATE):
        _draw_end(job)
    planned = desk().jobs.of(ESTIMATE)
    if not planned:
        _draw_first_step(start)
        return
    job = planned[-1]
    if job.error is not None or not isinstance(job.result, Planned):
        st.error(plain(job.error or raw("lab.calibrate.stopped")), icon=":material/error:")
        if st.button(say("lab.calibrate.again"), key="lab-estimate-again"):
            _dismiss(ESTIMATE)
        return
    _draw_second_step(job.result)


def _draw_running(job: Job) -> None:
    st.session_state["lab-watched"] = True
    st.progress(job.share or 0.0, text=plain(job.text or raw("lab.calibrate.beginning")))
    if job.kind == CALIBRATE and st.button(
        say("lab.calibrate.stop"), icon=":material/stop:", key="lab-stop", disabled=not job.wanted
    ):
        job.stop()
    if not job.wanted:
        st.caption(say("lab.calibrate.stopping"))


def _draw_end(job: Job) -> None:
    if job.error is not None:
        st.error(plain(job.error), icon=":material/error:")
        st.caption(say("lab.calibrate.kept"))
    elif isinstance(job.result, Done) and job.result.stopped:
        st.info(say("lab.calibrate.stopped") + " " + say("lab.calibrate.kept"), icon=":material/stop:")
    elif isinstance(job.result, Done):
        st.success(say("lab.calibrate.done"), icon=":material/check:")
        if job.result.skipped:
            st.caption(say("lab.calibrate.skipped", n=f"{job.result.skipped:,}", why=job.result.why))
    if st.button(say("lab.calibrate.dismiss"), key=f"lab-dismiss-{job.id}", type="tertiary"):
        desk().jobs.dismiss(job.id)
        st.rerun(scope="fragment")


def _draw_first_step(start: float | None) -> None:
    settings, tiers = desk().settings, desk().copilot.tiers
    n = usable(start)
    st.markdown(say("lab.calibrate.usable", n=f"{n:,}", least=LEAST_QUESTIONS, good=_GOOD))
    if (settings.offline or settings.locked) and not all(tier.stays_on_device for tier in tiers):
        st.info(say("lab.calibrate.shut_in"), icon=":material/lock:")
        return
    if n < LEAST_QUESTIONS:
        st.info(say("lab.calibrate.too_few", missing=f"{LEAST_QUESTIONS - n:,}"), icon=":material/hourglass_empty:")
        return
    top = min(n, _MOST)
    most = top
    if top > LEAST_QUESTIONS:
        most = st.slider(
            say("lab.calibrate.most"), LEAST_QUESTIONS, top, min(top, _GOOD), key=f"lab-most-{top}",
            help=say("lab.calibrate.most_help"),
        )  # fmt: skip
    if st.button(
        say("lab.calibrate.estimate"), icon=":material/calculate:", key="lab-estimate",
        help=say("lab.calibrate.estimate_help"),
    ):  # fmt: skip
        begin_estimate(start, min(max(int(most), LEAST_QUESTIONS), top))
        st.session_state["lab-watched"] = True
        st.rerun()


def _draw_second_step(planned: Planned) -> None:
    took = planned.estimate
    with st.container(border=True):
        st.markdown(say("lab.calibrate.takes", n=f"{len(planned.questions):,}"))
        cost = raw("lab.calibrate.cost_unknown") if took.usd is None else money(took.usd)
        lines = [say("lab.calibrate.answers", tier=tier, n=f"{n:,}") for tier, n in took.answers.items()]
        lines += [say("lab.calibrate.time", time=duration(took.seconds * 1000)), say("lab.calibrate.cost", usd=cost)]
        if took.questions_out:
            hosts = ", ".join(took.hosts)
            lines.append(say("lab.calibrate.leaves", n=f"{took.questions_out:,}", hosts=hosts))
        else:
            lines.append(say("lab.calibrate.stays"))
        st.markdown("\n".join(f"- {line}" for line in lines))
        with st.expander(say("lab.calibrate.which"), icon=":material/list:"):
            shown = [{raw("lab.calibrate.question"): one.question} for one in planned.questions]
            st.dataframe(shown, hide_index=True, alt=raw("lab.calibrate.which"))
        agreed = True
        if took.questions_out:
            agreed = st.checkbox(say("lab.calibrate.consent"), key="lab-consent")
        with st.container(horizontal=True):
            if st.button(
                say("lab.calibrate.begin"), type="primary", icon=":material/play_arrow:", key="lab-begin",
                disabled=not agreed,
            ) and agreed:  # fmt: skip
                _forget_ended()
                begin_calibration(planned.questions)
                st.session_state["lab-watched"] = True
                st.rerun()
            if st.button(say("lab.calibrate.not_now"), key="lab-not-now"):
                _dismiss(ESTIMATE)


def _forget_ended() -> None:
    for job in _jobs():
        desk().jobs.dismiss(job.id)


def _dismiss(kind: str) -> None:
    for job in desk().jobs.of(kind):
        desk().jobs.dismiss(job.id)
    st.rerun(scope="fragment")
