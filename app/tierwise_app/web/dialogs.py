"""Dialogs whose being open stands in the session: they stay open over a rerun, and end where the code says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

Title = str | Callable[[dict[str, Any]], str]
_SAID = "dialogs.said"


def open_dialog(page: str, dialog: str, /, **about: Any) -> None:
    """Have a page open a dialog in its next run; the one that was open is left."""
    st.session_state[_key(page)] = (dialog, about)


def close_dialog(page: str) -> None:
    """Have no dialog open on a page from its next run on."""
    st.session_state.pop(_key(page), None)


def draw_dialog(page: str, dialogs: Mapping[str, tuple[Title, Callable[..., None]]]) -> None:
    """Draw the dialog that is open, if one is.

    Args:
        page: the page's name.
        dialogs: by name: the title, as it is or from what the dialog was opened with; and what draws it from that.
    """
    name, about = st.session_state.get(_key(page), ("", {}))
    if name not in dialogs:
        return
    title, draw = dialogs[name]
    said = title if isinstance(title, str) else title(about)
    st.dialog(said, width="medium", on_dismiss=partial(close_dialog, page))(draw)(**about)


def leave_dialog(page: str, said: str = "") -> None:
    """Close the dialog and draw the page anew.

    Args:
        page: the page's name.
        said: what the page then says in passing, in Markdown.
    """
    close_dialog(page)
    say_next(said)
    st.rerun()


def say_next(text: str) -> None:
    """Have :func:`draw_said` say a text in the next run."""
    if text:
        st.session_state[_SAID] = text


def draw_said() -> None:
    """Say in passing what was done a moment ago, if something was."""
    if text := st.session_state.pop(_SAID, ""):
        st.toast(text, icon=":material/check:")


def _key(page: str) -> str:
    return f"{page}.dialog"
