"""How the app itself looks; kept at once."""

from __future__ import annotations

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.words import plain, say

_PROBLEM = "settings-looks-problem"


def draw_looks(here: Desk) -> None:
    """Draw the switches, and what helps with the keyboard and a screen reader."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    st.subheader(say("settings.app.title"), anchor=False)
    now = here.preferences
    for name, value in (("simple", now.simple), ("developer", now.developer)):
        key = f"prefer-{name}"
        if key not in st.session_state:
            st.session_state[key] = value
        st.toggle(
            say(f"settings.app.{name}"),
            key=key,
            on_change=_prefer,
            args=(name,),
        )
        st.caption(say(f"settings.app.{name}_help"))
    st.button(
        say("settings.app.welcome"),
        key="prefer-welcome",
        icon=":material/waving_hand:",
        help=say("settings.app.welcome_help"),
        disabled=not now.welcomed,
        on_click=_welcome,
    )
    st.subheader(say("settings.app.keys_title"), anchor=False)
    st.markdown(say("settings.app.keys"))


def _prefer(name: str) -> None:
    key = f"prefer-{name}"
    try:
        desk().prefer(**{name: bool(st.session_state[key])})
    except TierwiseError as error:
        st.session_state[key] = not st.session_state[key]
        st.session_state[_PROBLEM] = str(error)


def _welcome() -> None:
    try:
        desk().prefer(welcomed=False)
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        st.toast(say("settings.app.welcome_done"), icon=":material/check:")
