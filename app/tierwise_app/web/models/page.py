"""The page as a whole."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise_app.checks import offline_word
from tierwise_app.text import size
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import draw_dialog, draw_said
from tierwise_app.web.job_lines import draw_jobs
from tierwise_app.web.models.catalogue import draw_catalogue, draw_file_form, draw_own, draw_removal
from tierwise_app.web.models.changing import draw_change
from tierwise_app.web.models.editing import draw_form
from tierwise_app.web.models.facts import machine, measure_again
from tierwise_app.web.models.pulls import PULL
from tierwise_app.web.models.tiers import draw_tiers
from tierwise_app.web.models.trials import TRIAL, draw_outcome
from tierwise_app.web.models.using import draw_use
from tierwise_app.web.words import say

_PARTS = {"tiers": draw_tiers, "catalogue": draw_catalogue, "own": draw_own}


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.models"))
    draw_said()
    settings = desk().settings
    device = machine(settings.home)
    with st.container(horizontal=True, vertical_alignment="center"):
        free = {"free": size(device.available), "memory": size(device.memory)}
        st.caption(say("models.machine", cpu=device.cpu, cores=device.cores, **free), width="content")
        if st.button(say("models.measure"), type="tertiary", icon=":material/speed:", help=say("models.measure_help")):
            measure_again(settings.home)
            st.rerun()
    if word := offline_word(settings):
        st.info(say(f"models.stays.{word}"), icon=":material/lock:")
    draw_jobs("models", (PULL, TRIAL), draw_outcome)
    part = st.segmented_control(
        say("models.part"),
        list(_PARTS),
        default="tiers",
        required=True,
        format_func=lambda key: say(f"models.parts.{key}"),
        key="models.part",
        label_visibility="collapsed",
    )
    _PARTS[part or "tiers"]()
    draw_dialog(
        "models",
        {
            "tier": (_tier_title, draw_form),
            "change": (say("models.dialogs.change"), draw_change),
            "use": (say("models.dialogs.use"), draw_use),
            "file": (say("models.dialogs.file"), draw_file_form),
            "remove": (say("models.dialogs.remove"), draw_removal),
        },
    )


def _tier_title(about: dict[str, Any]) -> str:
    return say("models.dialogs.edit", name=about["name"]) if about["name"] else say("models.dialogs.add")
