"""The setting to try, and putting it in force."""

from __future__ import annotations

import os

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise.types import Wish
from tierwise.wish import WORDS, read_wish
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.web.desk import desk
from tierwise_app.web.words import plain, raw, say

_SHARE = "share"
_STEP = 5  # percent
_USED = "lab-used"  # the setting that was in force before, and the one that is now


def choose_wish() -> Wish:
    """Draw the choice of a setting; at first it is the one in force."""
    present = desk().settings.dial
    chosen = st.segmented_control(
        say("lab.setting.label"),
        [*WORDS, _SHARE],
        default=present if isinstance(present, str) else _SHARE,
        required=True,
        format_func=lambda name: say(f"lab.setting.{name}"),
        key="lab-setting",
        help=say("lab.setting.help"),
    )
    if chosen in WORDS:
        return read_wish(say("lab.setting.label"), chosen)
    at = round(100 * present / _STEP) * _STEP if isinstance(present, float) else 20
    percent = st.slider(
        say("lab.setting.percent"), 0, 100, at, _STEP, format="%d %%", key="lab-share", help=say("lab.setting.keep")
    )
    return min(100, max(0, int(percent))) / 100


def wish_words(wish: Wish) -> str:
    """The setting for people, as plain text."""
    return raw(f"lab.setting.{wish}") if isinstance(wish, str) else raw("lab.setting.up_to", share=f"{wish:.0%}")


def draw_use(wish: Wish, *, calibrated: bool) -> None:
    """Draw the button that puts a setting in force, and what came of it."""
    present = desk().settings.dial
    used: tuple[Wish, Wish] | None = st.session_state.get(_USED)
    if used is not None and used[1] == present:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(say("lab.use.done", now=_bare(used[1]), before=_bare(used[0])), icon=":material/check:")
            if st.button(say("lab.use.back"), icon=":material/undo:", key="lab-back"):
                _use(used[0])
    if wish == present:
        st.caption(say("lab.use.present"))
        return
    needs = isinstance(wish, float) and not calibrated
    if st.button(
        say("lab.use.button"), type="primary", icon=":material/tune:", key="lab-use", disabled=needs,
        help=say("lab.use.needs" if needs else "lab.use.help"),
    ):  # fmt: skip
        _use(wish)
    if needs:
        st.caption(say("lab.use.needs"))


def _use(wish: Wish) -> None:
    before = desk().settings.dial
    try:
        put_in_force(wish)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[_USED] = (before, wish)
    st.rerun()


def put_in_force(wish: Wish) -> None:
    """Write the dial into the configuration file, and read it again.

    Raises:
        TierwiseError: if it cannot be written, or something stands above the file.
    """
    if os.environ.get("TIERWISE_DIAL"):
        raise InvalidInput(
            "The environment variable TIERWISE_DIAL sets the dial, and stands above the file.", fix="Unset it."
        )
    settings = desk().settings
    file = ConfigFile(config_path(settings.path, settings.home))
    file.set_value("dial", wish)
    file.write()
    desk().reopen()


def _bare(wish: Wish) -> str:
    return wish if isinstance(wish, str) else f"{wish:.0%}"
