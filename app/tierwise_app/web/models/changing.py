"""A change of the tiers: what it is, what it would do to the file, and doing it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.tier_changes import TierChange, put_tier
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.words import plain, say

_SHOWN = "models.shown"


def configuration() -> ConfigFile:
    """The configuration file as it is now, for editing.

    Raises:
        ConfigError: if it cannot be edited.
    """
    settings = desk().settings
    return ConfigFile(config_path(settings.path, settings.home))


def apply(file: ConfigFile, wish: dict[str, Any]) -> TierChange:
    """Make a change in the file; it is not written yet.

    Args:
        file: the configuration.
        wish: ``kind`` is ``put`` with ``entry``; or ``up``, ``down`` or ``remove`` with ``name``.

    Raises:
        TierwiseError: if it cannot be made.
    """
    if wish["kind"] == "put":
        return put_tier(file, wish["entry"], desk().settings.home)
    if wish["name"] not in file.names():
        raise InvalidInput(f"There is no tier {wish['name']!r} in {file.path} any more.")
    if wish["kind"] == "remove":
        file.drop_tier(wish["name"])
    else:
        file.move_tier(wish["name"], -1 if wish["kind"] == "up" else 1)
    return TierChange()


def draw_change(wish: dict[str, Any]) -> None:
    """Show what a change would write, and write it when that is wanted."""
    try:
        file = configuration()
        change = apply(file, wish)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    shown = st.session_state.get(_SHOWN)
    st.session_state[_SHOWN] = file.diff
    _draw_meaning(wish, change, file)
    if file.diff:
        st.caption(say("models.change.file", path=file.path))
        st.code("\n".join(file.diff.split("\n")[2:]), language="diff", wrap_lines=True)
    else:
        st.info(say("models.change.nothing"), icon=":material/info:")
    with st.container(horizontal=True):
        kind = "models.change.remove" if wish["kind"] == "remove" else "work.save"
        wanted = st.button(say(kind), type="primary", key="models.change.save", disabled=not file.diff)
        if wish["kind"] == "put" and st.button(say("work.back"), key="models.change.back"):
            entry = wish["entry"]
            local = entry["model"].startswith("llama:")
            open_dialog("models", "tier", name=wish.get("editing"), local=local, entry=entry)
            st.rerun()
        if st.button(say("work.cancel"), key="models.change.cancel"):
            leave_dialog("models")
    if wanted and shown != file.diff:
        st.warning(say("models.change.other"), icon=":material/warning:")
    elif wanted:
        _write(file)


def _draw_meaning(wish: dict[str, Any], change: TierChange, file: ConfigFile) -> None:
    if wish["kind"] == "remove":
        st.markdown(say("models.change.removing", name=wish["name"]))
        if not file.names():
            st.info(say("models.change.last"), icon=":material/info:")
        return
    if wish["kind"] != "put":
        st.markdown(say("models.change.order"))
        return
    entry = wish["entry"]
    if entry.get("on_device"):
        st.warning(say("models.change.vouch", name=entry["name"]), icon=":material/verified_user:")
    elif not entry["model"].startswith("llama:"):
        st.info(say("models.change.leaves", name=entry["name"]), icon=":material/cloud_upload:")
    if change.embedded_stays:
        st.info(say("models.change.embedded"), icon=":material/info:")
    if change.gone:
        st.info(say("models.change.gone", keys=", ".join(change.gone)), icon=":material/info:")
    st.caption(say("models.change.running"))


def _write(file: ConfigFile) -> None:
    try:
        file.write()
        desk().reopen()
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        st.session_state.pop(_SHOWN, None)
        leave_dialog("models", say("models.change.done"))
