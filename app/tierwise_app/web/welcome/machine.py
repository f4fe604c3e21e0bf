"""What this machine is, and which model would suit it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from tierwise_app.checks import tiers_in_use
from tierwise_app.choices import EMBEDDED
from tierwise_app.proposing import propose
from tierwise_app.text import size
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import raw, say

if TYPE_CHECKING:
    from tierwise.models import DeviceProfile

_KIND = "machine"
_WORDS_A_TOKEN = 0.75
_SLOW = 2e9  # bytes a second; the memory of any machine that runs this copies more while it is left alone
_TRIES = 2


def draw_machine(desk: Desk) -> None:
    """Draw the machine, and the proposed model where only the embedded one is in use."""
    st.markdown(f"**{say('welcome.machine.title')}**")
    job = _job(desk)
    if not job.over:
        st.fragment(_watch, run_every=0.3)(desk)
        return
    if job.error is not None:
        st.markdown(say("welcome.machine.failed", problem=job.error))
    else:
        _draw_found(desk, job.result)
    if desk.preferences.simple:
        st.caption(say("welcome.machine.simple"))
        return
    with st.container(horizontal=True, gap="small"):
        if st.button(
            say("welcome.machine.get"),
            key="welcome-models",
            icon=":material/download:",
            help=say("welcome.machine.get_help"),
        ):
            st.switch_page("app_pages/models.py")
        if st.button(
            say("welcome.machine.hosted"),
            key="welcome-hosted",
            type="tertiary",
            icon=":material/cloud:",
            help=say("welcome.machine.hosted_help"),
        ):
            st.switch_page("app_pages/models.py")


def _draw_found(desk: Desk, machine: DeviceProfile) -> None:
    from tierwise.models import installed

    facts = {
        "cores": raw("welcome.machine.core")
        if machine.cores == 1
        else raw("welcome.machine.cores", count=machine.cores),
        "free": size(machine.available),
        "memory": size(machine.memory),
        "gpu": ", ".join(gpu.name for gpu in machine.gpus) or raw("welcome.machine.no_gpu"),
    }
    st.caption(say("welcome.machine.here", **facts))
    if any(tier.model_name != EMBEDDED for tier in tiers_in_use(desk.settings)):
        st.markdown(say("welcome.machine.own"))
        return
    found = propose(machine)
    if found is None:
        st.markdown(say("welcome.machine.nothing"))
        return
    card, expected = found
    if installed(card, home=desk.settings.home):
        st.markdown(say("welcome.machine.here_already", title=card.title))
        return
    speed = expected.tokens_per_s
    facts = {
        "title": card.title,
        "file": size(card.file_bytes),
        "need": size(expected.memory),
        "licence": card.licence,
        "pace": raw("welcome.machine.pace", speed=f"{round(speed * _WORDS_A_TOKEN * 60, -1):.0f}") if speed else "",
    }
    st.markdown(say("welcome.machine.fits", **facts))


def _job(desk: Desk) -> Job:
    """The look at the machine: once a server, since its memory's speed is measured."""
    home = desk.settings.home
    return next(iter(desk.jobs.of(_KIND)), None) or desk.jobs.start(_KIND, _KIND, lambda _: _measured(home))


def _measured(home: Path) -> DeviceProfile:
    """The machine. A memory that seems slow is measured again, for the machine may be busy; then it stays unknown."""
    from tierwise.models import profile

    found = profile(home)
    for _ in range(_TRIES):
        if (found.bandwidth or 0.0) >= _SLOW:
            return found
        found = profile(home, fresh=True)
    return found if (found.bandwidth or 0.0) >= _SLOW else replace(found, bandwidth=None)


def _watch(desk: Desk) -> None:
    if _job(desk).over:
        st.rerun()
    st.caption(say("welcome.machine.looking"))
    st.skeleton(height=80)
