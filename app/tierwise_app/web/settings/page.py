"""The page as a whole."""

from __future__ import annotations

import streamlit as st

from tierwise_app.web.desk import desk
from tierwise_app.web.settings.checking import draw_check
from tierwise_app.web.settings.looks import draw_looks
from tierwise_app.web.settings.places import draw_places, draw_versions
from tierwise_app.web.settings.values import draw_values
from tierwise_app.web.words import say


def draw() -> None:
    """Draw the page."""
    here = desk()
    st.title(say("app.pages.settings"), anchor=False)
    turns, app, machine = st.tabs(
        [say("settings.tabs.turns"), say("settings.tabs.app"), say("settings.tabs.machine")], key="settings-tabs"
    )
    with turns:
        draw_values(here)
    with app:
        draw_looks(here)
    with machine:
        draw_check(here)
        draw_places(here)
        draw_versions()
