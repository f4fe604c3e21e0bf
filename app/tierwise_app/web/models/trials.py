"""Trying tiers and models, as jobs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise.models import InstalledModel
from tierwise_app.checks import tiers_in_use
from tierwise_app.model_trial import Trial, tier_or_model, try_tier
from tierwise_app.text import duration, one_line, size
from tierwise_app.web.desk import Desk
from tierwise_app.web.jobs import Job
from tierwise_app.web.words import plain, raw, say

TRIAL = "trial"


def start_trial(desk: Desk, name: str) -> Job:
    """Try the tier or the model of that name.

    Raises:
        TierwiseError: if there is none.
    """
    settings = desk.settings
    tier = tier_or_model({tier.name: tier for tier in tiers_in_use(settings)}, name, settings.home)

    def work(job: Job) -> Trial:
        job.tell(raw("models.trial.runs" if tier.model_name.startswith("llama:") else "models.trial.asks"))
        return try_tier(tier, settings, wanted=lambda: job.wanted)

    return desk.jobs.start(TRIAL, name, work)


def last_trial(desk: Desk, name: str) -> Job | None:
    """The last trial of a tier that is over, if it was not dismissed."""
    return next((job for job in reversed(desk.jobs.of(TRIAL)) if job.title == name and job.over), None)


def draw_outcome(job: Job, _actions: Any) -> None:
    """What a job of this page came to."""
    if isinstance(job.result, Trial):
        _draw_trial(job, job.result)
    elif isinstance(job.result, InstalledModel):
        model = job.result
        text = say("models.pull.done", name=model.name, size=size(model.size))
        st.success(
            f"{text} {say('models.vouched.' + model.vouched.replace(' ', '_'))}", icon=":material/download_done:"
        )


def _draw_trial(job: Job, trial: Trial) -> None:
    found = trial.found
    st.success(say("models.trial.done", name=job.title), icon=":material/check_circle:")
    figures = {
        say("models.trial.load"): duration(found.load_ms) if found.load_ms >= 1 else raw("models.trial.no_load"),
        say("models.trial.first"): duration(found.first_token_ms),
        say("models.trial.speed"): _speed(trial),
        say("models.trial.tools"): raw(f"models.trial.called.{_called(found.called_tool)}"),
    }
    if found.served != found.model:
        figures[say("models.trial.served")] = found.served
    st.table({name: plain(value) for name, value in figures.items()}, border="horizontal", width="content")
    if found.crashed:
        st.warning(say("models.trial.crashed"), icon=":material/warning:")
    st.caption(say("models.trial.wrote", text=one_line(found.text)))


def _speed(trial: Trial) -> str:
    speed = trial.found.tokens_per_s
    if speed is None:
        return raw("models.trial.at_once")
    told = raw("models.speed", speed=f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}")
    return (
        told if trial.expected is None else raw("models.trial.estimated", speed=told, expected=f"{trial.expected:.0f}")
    )


def _called(called: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[called]
