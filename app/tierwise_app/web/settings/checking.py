"""The checks of ``tierwise doctor``, beside the page."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import streamlit as st

from tierwise.config import load_settings
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import raw, say

if TYPE_CHECKING:
    from tierwise_app.checks import Check

_KIND = "check"
_BOXES = {"fail": st.error, "warn": st.warning}
_ICONS = {"fail": ":material/error:", "warn": ":material/warning:"}


def draw_check(here: Desk) -> None:
    """Draw the offer to check, and what was found last."""
    st.subheader(say("settings.check.title"), anchor=False)
    job = _job(here)
    running = job is not None and not job.over
    if running:
        st.fragment(_watch, run_every=0.7)()
        return
    st.caption(say("settings.check.about"))
    hosted = any(not tier.stays_on_device for tier in here.settings.tiers)
    if hosted and not (here.settings.offline or here.settings.locked):
        st.checkbox(say("settings.check.online"), key="check-online")
    st.button(
        say("settings.check.again" if job else "settings.check.run"),
        key="check-run",
        icon=":material/health_and_safety:",
        on_click=_begin,
    )
    if job is not None:
        _draw_found(job)


def _begin() -> None:
    here = desk()
    if (before := _job(here)) is not None:
        if not before.over:
            return
        here.jobs.dismiss(before.id)
    path, online = here.settings.path, bool(st.session_state.get("check-online", False))

    def work(job: Job) -> list[Check]:
        from tierwise_app.checks import run_checks

        found: list[Check] = []
        for check in run_checks(lambda: load_settings(path), online=online):
            found.append(check)
            job.result = list(found)
            job.tell(check.name)
            if not job.wanted:
                break
        return found

    here.jobs.start(_KIND, raw("settings.check.title"), work)


def _watch() -> None:
    job = _job(desk())
    if job is None or job.over:
        st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        name = job.text or raw("settings.check.beginning")
        st.markdown(f":material/hourglass_top: {say('settings.check.running', name=name)}", width="content")
        st.button(say("settings.check.stop"), key="check-stop", icon=":material/stop:", on_click=job.stop)
    _draw_rows(job.result or [])


def _draw_found(job: Job) -> None:
    if job.error is not None:
        st.error(say("settings.check.failed", problem=job.error), icon=":material/error:")
    checks: list[Check] = job.result or []
    counts = Counter(check.status for check in checks)
    words = {status: counts.get(status, 0) for status in ("fail", "warn", "ok")}
    st.markdown(say("settings.check.counts", **words))
    if not job.wanted:
        st.caption(say("settings.check.stopped"))
    _draw_rows(checks)


def _draw_rows(checks: list[Check]) -> None:
    """What needs something first, each with its fix; the rest is folded."""
    for status in ("fail", "warn"):
        for check in checks:
            if check.status == status:
                _BOXES[status](_row(check), icon=_ICONS[status])
                if check.fix:
                    st.code(check.fix, language=None, wrap_lines=True)
    if fine := [check for check in checks if check.status == "ok"]:
        with st.expander(say("settings.check.fine", count=len(fine))):
            for check in fine:
                st.markdown(f":material/check: {_row(check)}")


def _row(check: Check) -> str:
    status = raw(f"settings.check.{check.status}")
    return say("settings.check.row", name=check.name, status=status, text=check.text)


def _job(here: Desk) -> Job | None:
    return next(iter(reversed(here.jobs.of(_KIND))), None)
