"""Which dialog of the page is open in a window."""

from __future__ import annotations

import streamlit as st

_OPEN = "knowledge-open"


def open_(what: str, *about: str) -> None:
    """Open a dialog: ``document`` with collection and path, ``unlock`` or ``remove`` with a collection."""
    st.session_state[_OPEN] = (what, *about)


def opened() -> tuple[str, ...]:
    """What is open and about what; nothing if no dialog is."""
    return tuple(st.session_state.get(_OPEN, ()))


def close() -> None:
    """Close it."""
    st.session_state.pop(_OPEN, None)
