"""The dialogs that turn a tool on, and say when it asks."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.config_tools import set_approval
from tierwise_app.tool_switches import sandbox_level, tools_off, turn_on
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import leave_dialog
from tierwise_app.web.tools.sources import configuration
from tierwise_app.web.words import plain, raw, say

_BY_EFFECT = "effects"


def draw_turning_on(name: str) -> None:
    """Say what turning a tool on means, and do it."""
    from tierwise.runtime import NEEDS_ROOT

    settings = desk().settings
    package = next((one for one in tools_off(settings) if one["name"] == name and one["kind"] == "package"), None)
    if package is not None:
        st.markdown(say("tools.on.package", name=name, distribution=package["distribution"]))
    else:
        st.markdown(say(f"tools.built_in.{name}"))
    with st.form("tools.on", border=False):
        folder = ""
        if name in NEEDS_ROOT:
            folder = st.text_input(
                say("tools.on.folder"),
                value=str(settings.tools.root or ""),
                placeholder=raw("tools.on.folder_placeholder"),
                help=say("tools.on.folder_help"),
            )
        wanted = st.form_submit_button(say("tools.off.on"), type="primary")
    if not wanted:
        return
    try:
        with st.spinner(say("tools.on.opens")):
            file = configuration(settings)
            turn_on(settings, file, [name], Path(folder.strip()) if folder.strip() else None)
            level = sandbox_level() if name == "python" else ""
            file.write()
            desk().reopen()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        leave_dialog("tools", say("tools.on.sandbox", level=level) if level else say("tools.on.done", name=name))


def draw_asking(name: str) -> None:
    """Let a person say when a tool asks."""
    settings = desk().settings
    words = {_BY_EFFECT: None, "ask": "ask", "free": "free", "deny": "deny"}
    now = settings.tools.approval.get(name) or _BY_EFFECT
    st.markdown(say("tools.asking.which", name=name))
    chosen = st.radio(
        say("tools.asking.label"),
        list(words),
        index=list(words).index(now),
        format_func=lambda word: say(f"tools.asking.{word}"),
        captions=[say(f"tools.asking.{word}_means") for word in words],
        key=f"tools.asking.{name}",
        label_visibility="collapsed",
    )
    if chosen == "free":
        st.warning(say("tools.asking.free_warning"), icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button(say("work.save"), type="primary", key="tools.asking.save", disabled=chosen == now):
            _save(name, chosen)
        if st.button(say("work.cancel"), key="tools.asking.cancel"):
            leave_dialog("tools")


def _save(name: str, word: str) -> None:
    try:
        file = configuration(desk().settings)
        set_approval(file, name, word if word in ("ask", "free", "deny") else None)  # type: ignore[arg-type]
        file.write()
        desk().reopen()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        leave_dialog("tools", say("tools.asking.done", name=name))
