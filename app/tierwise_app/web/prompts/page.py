"""The page as a whole."""

from __future__ import annotations

import streamlit as st

from tierwise_app.web.words import say


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.prompts"))
