"""The frame around every page: navigation, and what holds for the whole app."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, say

_PAGES = Path(__file__).with_name("app_pages")
_ICON = Path(__file__).with_name("icon.svg")
_ICONS = {
    "chat": ":material/forum:",
    "knowledge": ":material/library_books:",
    "prompts": ":material/bookmarks:",
    "tools": ":material/build:",
    "models": ":material/layers:",
    "lab": ":material/science:",
    "insights": ":material/insights:",
    "settings": ":material/settings:",
}
_SIMPLE = ("chat", "knowledge")


def draw_app() -> None:
    """Draw the page that is open; what cannot even begin is said in words."""
    st.set_page_config(page_title="tierwise", page_icon=str(_ICON), layout="centered")
    try:
        simple = desk().preferences.simple
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    names = [name for name in _ICONS if not simple or name in (*_SIMPLE, "settings")]
    pages = [
        st.Page(
            _PAGES / f"{name}.py",
            title=say(f"app.pages.{name}"),
            icon=_ICONS[name],
            default=name == "chat",
            url_path=name,
        )
        for name in names
    ]
    st.logo(str(_ICON), size="large")
    page = st.navigation(pages, position="sidebar")
    _draw_state()
    try:
        page.run()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")


def _draw_state() -> None:
    """What holds for every page and every turn."""
    settings = desk().settings
    for text in desk().news():
        st.warning(plain(text), icon=":material/healing:")
    if settings.locked:
        st.sidebar.badge(say("app.locked"), icon=":material/lock:", color="green")
    if settings.offline:
        st.sidebar.badge(say("app.offline"), icon=":material/cloud_off:", color="gray")
