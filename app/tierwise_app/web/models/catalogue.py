"""The models that can be had: the catalogue, and files of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from tierwise.errors import InvalidInput, TierwiseError
from tierwise.models import remove_model
from tierwise_app.choices import PROPOSED
from tierwise_app.model_files import tiers_using
from tierwise_app.text import size
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import leave_dialog, open_dialog
from tierwise_app.web.job_lines import begin, is_running
from tierwise_app.web.models.facts import ModelFacts, models, own_models
from tierwise_app.web.models.pulls import PULL, start_adding, start_pull
from tierwise_app.web.models.trials import TRIAL, start_trial
from tierwise_app.web.words import plain, raw, say

_PAGE = 6
_SHOWN: dict[str, Callable[[ModelFacts], bool]] = {
    "all": lambda _: True,
    "fits": lambda model: model.fits,
    "here": lambda model: model.here is not None,
}


def draw_catalogue() -> None:
    """Draw the catalogue, a few models at a time."""
    found = models(desk().settings.home)
    st.caption(say("models.catalogue.intro"))
    words = st.text_input(
        say("models.catalogue.search"),
        key="models.catalogue.search",
        placeholder=raw("models.catalogue.search_placeholder"),
        type="search",
    )
    chosen = st.segmented_control(
        say("models.catalogue.show"),
        list(_SHOWN),
        default="all",
        required=True,
        format_func=lambda key: say(f"models.catalogue.shown.{key}"),
        key="models.catalogue.shown",
    )
    wanted = [model for model in found if _SHOWN[chosen or "all"](model) and _matches(model, words or "")]
    if not wanted:
        st.info(say("models.catalogue.nothing"), icon=":material/search_off:")
        return
    pages = -(-len(wanted) // _PAGE)
    number = st.pagination(pages, key=f"models.catalogue.page.{pages}") if pages > 1 else 1
    for model in wanted[(number - 1) * _PAGE : number * _PAGE]:
        with st.container(border=True, key=f"models.card.{model.name}"):
            _draw_model(model)


def draw_own() -> None:
    """Draw the files that the catalogue does not know, and the way to add one."""
    st.caption(say("models.own.intro"))
    st.button(
        say("models.own.add"),
        icon=":material/add:",
        key="models.own.add",
        on_click=partial(open_dialog, "models", "file"),
    )
    found = own_models(desk().settings.home)
    if not found:
        st.info(say("models.own.nothing"), icon=":material/info:")
    for model in found:
        with st.container(border=True, key=f"models.card.{model.name}"):
            _draw_model(model)


def draw_file_form() -> None:
    """The form that names a file."""
    with st.form("models.file", border=False):
        source = st.text_input(
            say("models.own.source"),
            placeholder=raw("models.own.source_placeholder"),
            help=say("models.own.source_help"),
        )
        name = st.text_input(say("models.own.name"), help=say("models.own.name_help"), max_chars=64)
        sha256 = st.text_input(say("models.own.sha256"), help=say("models.own.sha256_help"), max_chars=64)
        copy = st.checkbox(say("models.own.copy"), help=say("models.own.copy_help"))
        wanted = st.form_submit_button(say("models.own.go"), type="primary")
    if not wanted:
        return
    try:
        if sha256 and not (len(sha256.strip()) == 64 and set(sha256.strip().lower()) <= set("0123456789abcdef")):
            raise InvalidInput("That is not a SHA-256.", fix="Give its 64 hexadecimal digits, or leave it out.")
        start_adding(desk(), source, name, sha256=sha256, copy=copy)
    except TierwiseError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        leave_dialog("models")


def draw_removal(name: str) -> None:
    """Ask whether a file is to be removed."""
    used = tiers_using(name, desk().settings)
    if used:
        st.warning(say("models.remove.used", tier=used[0], name=name), icon=":material/block:")
    else:
        st.markdown(say("models.remove.ask", name=name))
    with st.container(horizontal=True):
        if st.button(say("models.remove.yes"), type="primary", key="models.remove.yes", disabled=bool(used)):
            try:
                freed = remove_model(name, home=desk().settings.home)
            except TierwiseError as error:
                st.error(plain(str(error)), icon=":material/error:")
                return
            leave_dialog("models", say("models.remove.done", name=name, size=size(freed)))
        if st.button(say("work.cancel"), key="models.remove.cancel"):
            leave_dialog("models")


def _matches(model: ModelFacts, words: str) -> bool:
    card = model.card
    text = f"{model.name} {model.title}" + (f" {card.summary} {card.licence}" if card else "")
    return all(word in text.casefold() for word in words.casefold().split())


def _draw_model(model: ModelFacts) -> None:
    card, here = model.card, model.here
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(model.title)}**", width="content")
        if here is not None:
            st.badge(say("models.catalogue.installed"), icon=":material/download_done:", color="green")
        if model.cost is None:
            st.badge(say("models.catalogue.unreadable"), icon=":material/error:", color="red")
        elif model.fits:
            st.badge(say("models.catalogue.fits"), icon=":material/check:", color="green")
        else:
            st.badge(say("models.catalogue.too_large"), icon=":material/memory_alt:", color="orange")
        if model.name == PROPOSED and here is None and model.fits:
            st.badge(say("models.catalogue.proposed"), icon=":material/star:", color="primary")
    if card is not None:
        st.text(card.summary)
    st.caption(_figures(model))
    if here is not None:
        st.caption(say("models.vouched." + here.vouched.replace(" ", "_")) + _place(model))
    elif card is not None and not card.verified:
        st.caption(f":material/warning: {say('models.catalogue.unverified')}")
    if model.cost is not None and not model.cost.fits and here is None:
        st.caption(plain(model.cost.text))
    with st.container(horizontal=True):
        _draw_actions(model)


def _place(model: ModelFacts) -> str:
    if model.card is not None or model.here is None:
        return ""
    return f" · {plain(str(Path(os.path.realpath(model.here.path))))}"


def _figures(model: ModelFacts) -> str:
    card, cost = model.card, model.cost
    parts = [say("models.catalogue.name", name=model.name)]
    if card is not None:
        parts.append(say("models.catalogue.parameters", count=card.parameters))
    parts.append(say("models.catalogue.file", size=size(model.bytes)))
    if cost is not None:
        parts.append(say("models.memory", size=size(cost.memory)))
        if cost.tokens_per_s:
            speed = cost.tokens_per_s
            parts.append(say("models.about_speed", speed=f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"))
    if card is not None:
        parts.append(say("models.catalogue.context", tokens=f"{card.context:,}"))
        parts.append(say(f"models.catalogue.tools.{card.tools}"))
        parts.append(plain(card.licence.removeprefix("LicenseRef-")))
    return " · ".join(parts)


def _draw_actions(model: ModelFacts) -> None:
    name, card = model.name, model.card
    if model.here is None:
        if card is not None and card.url is None:
            st.caption(say("models.catalogue.packaged", package=card.package))
            return
        bringing = is_running((PULL,), name)
        if bringing:
            text = say("models.catalogue.bringing")
        elif model.unfinished:
            text = say("models.catalogue.go_on", size=size(model.unfinished))
        else:
            text = say("models.catalogue.pull")
        if st.button(text, icon=":material/download:", key=f"models.pull.{name}", disabled=bringing):
            begin(partial(start_pull, desk(), name))
    else:
        st.button(
            say("models.catalogue.use"),
            icon=":material/layers:",
            key=f"models.use.{name}",
            on_click=partial(open_dialog, "models", "use", model=name),
        )
        if st.button(
            say("models.tiers.test"),
            icon=":material/play_arrow:",
            key=f"models.try.{name}",
            help=say("models.tiers.test_help"),
            disabled=is_running((TRIAL,), name),
        ):
            begin(partial(start_trial, desk(), name))
    if (model.here is not None and not model.here.packaged) or (model.here is None and model.unfinished):
        st.button(
            say("models.catalogue.remove"),
            icon=":material/delete:",
            key=f"models.remove.{name}",
            on_click=partial(open_dialog, "models", "remove", name=name),
            disabled=is_running((PULL,), name),
        )
