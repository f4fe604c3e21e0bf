"""Reviewing what was chosen, and writing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.config_values import Values, changed, put_values, read_values
from tierwise_app.web.desk import Desk, desk
from tierwise_app.web.words import plain, raw, say

_OPEN, _PROBLEM, _SAVED = "settings-open", "settings-problem", "settings-saved"
_LABELS = {
    "dial": "settings.quality.dial",
    "turn": "settings.quality.turn",
    "thread": "settings.quality.thread",
    "day": "settings.quality.day",
    "month": "settings.quality.month",
    "offline": "settings.privacy.offline",
    "locked": "settings.privacy.locked",
    "show_before_sending": "settings.privacy.show",
    "grounded": "settings.documents.grounded",
    "passages": "settings.documents.passages",
}


@dataclass(frozen=True, slots=True)
class Review:
    """Changes that wait for a yes.

    Attributes:
        text: the file as it was when they were chosen.
        wanted: the values.
    """

    text: str
    wanted: Values


def open_review(text: str, wanted: Values) -> None:
    """Open the dialog; :func:`draw_review` draws it."""
    st.session_state[_OPEN] = Review(text, wanted)


def draw_review(here: Desk, path: Path) -> None:
    """Draw the dialog that is open, if one is, and say what was saved."""
    if st.session_state.pop(_SAVED, False):
        st.toast(say("settings.saved"), icon=":material/check:")
    if _OPEN in st.session_state:
        st.dialog(say("settings.confirm.title"), width="medium", on_dismiss=_close)(_draw)(path)


def _draw(path: Path) -> None:
    review: Review | None = st.session_state.get(_OPEN)
    if review is None:  # a button of this dialog has closed it
        st.rerun()
    if problem := st.session_state.pop(_PROBLEM, None):
        st.error(plain(problem), icon=":material/error:")
    try:
        file = _checked(path, review)
        before = read_values(file)
        put_values(file, review.wanted)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        st.button(say("settings.confirm.no"), key="settings-no", on_click=_close)
        return
    from tierwise_app.web.settings.values import value_text

    after = review.wanted
    names = changed(before, after)
    for name in names:
        text = {"before": value_text(name, getattr(before, name)), "after": value_text(name, getattr(after, name))}
        st.markdown(say("settings.confirm.change", name=raw(_LABELS[name]), **text))
    opening = _opening(before, after)
    for key in opening:
        st.warning(say(key), icon=":material/lock_open:")
    with st.expander(say("settings.confirm.file", file=path.name)):
        st.code(file.diff, language="diff", wrap_lines=True)
    with st.container(horizontal=True):
        st.button(
            say("settings.confirm.yes_open" if opening else "settings.confirm.yes"),
            key="settings-yes",
            type="primary",
            icon=":material/save:",
            on_click=_save,
            args=(review,),
        )
        st.button(say("settings.confirm.no"), key="settings-no", on_click=_close)


def _opening(before: Values, after: Values) -> list[str]:
    """What lets text leave that did not before."""
    found = []
    if before.locked and not after.locked:
        found.append("settings.confirm.unlock")
    if before.offline and not after.offline:
        found.append("settings.confirm.online")
    if before.show_before_sending != "never" == after.show_before_sending:
        found.append("settings.confirm.unseen")
    return found


def _save(review: Review) -> None:
    here = desk()
    try:
        file = _checked(config_path(here.settings.path, here.settings.home), review)
        put_values(file, review.wanted)
        file.write()
        here.reopen()
    except TierwiseError as error:
        st.session_state[_PROBLEM] = str(error)
    else:
        _close()
        st.session_state[_SAVED] = True


def _checked(path: Path, review: Review) -> ConfigFile:
    file = ConfigFile(path)
    if file.before != review.text:
        raise InvalidInput(raw("settings.confirm.moved"))
    return file


def _close() -> None:
    st.session_state.pop(_OPEN, None)
