"""What the buttons of the chat's dialogs do: before anything is drawn, so that nothing depends on what is open."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.web.words import plain

_DONE, _PROBLEM = "dialog-done", "dialog-problem"


def does(work: Callable[[], object]) -> Callable[[], None]:
    """What a button does when it is clicked; its dialog closes unless the work says ``False``, or fails."""

    def click() -> None:
        try:
            st.session_state[_DONE] = work() is not False
        except TierwiseError as error:
            st.session_state[_PROBLEM] = str(error)

    return click


def begin_dialog() -> None:
    """Call it first in a dialog: closes it once its button has done its work, and says what went wrong."""
    if st.session_state.pop(_DONE, False):
        st.rerun()
    show_problem()


def begin_page() -> None:
    """Call it first on a page: nothing of an earlier dialog is left over."""
    st.session_state.pop(_DONE, None)
    show_problem()


def show_problem() -> None:
    """Say what went wrong at the last click."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")


def note_problem(error: TierwiseError) -> None:
    """Have the page say it when it is drawn next."""
    st.session_state[_PROBLEM] = str(error)
