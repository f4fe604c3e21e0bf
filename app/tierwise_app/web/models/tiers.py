"""The tiers in order, as cards."""

from __future__ import annotations

from functools import partial

import streamlit as st

from tierwise_app.checks import tiers_in_use
from tierwise_app.model_trial import Trial
from tierwise_app.text import duration, money, size
from tierwise_app.web.desk import desk
from tierwise_app.web.dialogs import open_dialog
from tierwise_app.web.job_lines import begin, is_running
from tierwise_app.web.models.facts import TierFacts, tier_facts
from tierwise_app.web.models.pulls import PULL, start_pull
from tierwise_app.web.models.trials import TRIAL, last_trial, start_trial
from tierwise_app.web.words import plain, say


def draw_tiers() -> None:
    """Draw every tier, and the way to add one."""
    settings = desk().settings
    tiers = tiers_in_use(settings)
    st.caption(say("models.tiers.intro"))
    if not settings.tiers:
        st.info(say("models.tiers.none"), icon=":material/info:")
    for place, tier in enumerate(tiers):
        with st.container(border=True, key=f"models.tier.{tier.name}"):
            _draw_tier(place, len(tiers), tier_facts(tier, settings.home))
    with st.container(horizontal=True):
        st.button(
            say("models.tiers.add_local"),
            icon=":material/add:",
            key="models.add.local",
            on_click=partial(open_dialog, "models", "tier", name=None, local=True),
        )
        st.button(
            say("models.tiers.add_hosted"),
            icon=":material/add:",
            key="models.add.hosted",
            on_click=partial(open_dialog, "models", "tier", name=None, local=False),
        )


def _draw_tier(place: int, count: int, facts: TierFacts) -> None:
    tier = facts.tier
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{place + 1}. {plain(tier.name)}", anchor=False, width="content")
        if facts.local:
            st.badge(say("models.tiers.here"), icon=":material/lock:", color="green")
        elif tier.on_device:
            st.badge(say("models.tiers.vouched"), icon=":material/verified_user:", color="green")
        else:
            st.badge(say("models.tiers.leaves", host=facts.host), icon=":material/cloud_upload:", color="orange")
        if tier.stand_in:
            st.badge(say("models.tiers.stand_in"), icon=":material/theater_comedy:", color="gray")
    st.text(tier.model_name if facts.card is None else f"{facts.card.title} ({tier.model_name})")
    st.caption(_figures(facts))
    _draw_health(facts)
    with st.container(horizontal=True):
        _draw_getting(facts)
        st.button(
            say("models.tiers.edit"),
            icon=":material/edit:",
            key=f"models.edit.{tier.name}",
            on_click=partial(open_dialog, "models", "tier", name=tier.name, local=facts.local),
        )
        _draw_test(facts)
        _draw_more(place, count, tier.name)


def _figures(facts: TierFacts) -> str:
    tier = facts.tier
    parts = []
    if tier.context_window:
        parts.append(say("models.tiers.window", tokens=f"{tier.context_window:,}"))
    elif facts.card is not None:
        parts.append(say("models.tiers.window_up_to", tokens=f"{facts.card.context:,}"))
    elif not facts.local:
        parts.append(say("models.tiers.window_usual"))
    parts.append(say("models.tiers.longest", tokens=f"{tier.max_tokens:,}"))
    if tier.price is not None:
        price = {"read": money(tier.price.input), "written": money(tier.price.output)}
        parts.append(say("models.tiers.price", **price))
    elif not facts.local:
        parts.append(say("models.tiers.price_unknown"))
    if facts.cost is not None:
        parts.append(say("models.memory", size=size(facts.cost.memory)))
        if facts.cost.tokens_per_s:
            parts.append(say("models.about_speed", speed=f"{facts.cost.tokens_per_s:.0f}"))
    text = " · ".join(parts)
    return text[0].upper() + text[1:]


def _draw_health(facts: TierFacts) -> None:
    """What speaks for and against its answering, as far as that is known without asking it."""
    tier = facts.tier
    if facts.problem:
        st.error(plain(facts.problem), icon=":material/error:")
    if facts.key_set is False:
        st.warning(say("models.tiers.key_missing", name=tier.api_key_env), icon=":material/key_off:")
    elif facts.key_set:
        st.markdown(f":material/key: {say('models.tiers.key_set', name=tier.api_key_env)}")
    elif not facts.local and not facts.problem:
        text = say("models.tiers.key_none" if tier.base_url else "models.tiers.key_needed")
        st.markdown(f":material/key: {text}")
    if facts.cost is not None and not facts.cost.fits:
        st.warning(plain(facts.cost.text), icon=":material/memory_alt:")
    if tier.adapter:
        st.markdown(f":material/extension: {say('models.tiers.adapter', path=tier.adapter)}")
    job = last_trial(desk(), tier.name)
    if job is None:
        return
    if isinstance(job.result, Trial):
        first = duration(job.result.found.first_token_ms)
        st.markdown(f":material/check_circle: {say('models.tiers.worked', time=first)}")
    elif job.error and job.wanted:
        st.markdown(f":material/error: {say('models.tiers.failed')}")


def _draw_getting(facts: TierFacts) -> None:
    if not facts.problem or facts.card is not None or (name := _pullable(facts.tier.model_name)) is None:
        return
    text, key = say("models.catalogue.pull"), f"models.get.{facts.tier.name}"
    if st.button(text, icon=":material/download:", type="primary", key=key, disabled=is_running((PULL,), name)):
        begin(partial(start_pull, desk(), name))


def _draw_test(facts: TierFacts) -> None:
    tier = facts.tier
    running = is_running((TRIAL,), tier.name)
    words = "models.tiers.test" if facts.local else "models.tiers.check"
    told = say("models.tiers.test_help") if facts.local else say("models.tiers.check_help", host=facts.host)
    if st.button(say(words), icon=":material/play_arrow:", key=f"models.test.{tier.name}", help=told, disabled=running):
        begin(partial(start_trial, desk(), tier.name))


def _draw_more(place: int, count: int, name: str) -> None:
    actions = {"remove": say("models.tiers.remove")}
    if place < count - 1:
        actions = {"down": say("models.tiers.down")} | actions
    if place > 0:
        actions = {"up": say("models.tiers.up")} | actions
    if not desk().settings.tiers:
        return  # there is nothing to take out or to move: it is what there is without a word
    chosen = st.menu_button(
        say("models.tiers.more"), list(actions), format_func=lambda key: actions[key], key=f"models.more.{name}"
    )
    if chosen is not None:
        open_dialog("models", "change", wish={"kind": chosen, "name": name})
        st.rerun()


def _pullable(model_name: str) -> str | None:
    """The catalogue's name of a model that can be downloaded."""
    from tierwise.models import catalogue

    name = model_name.removeprefix("llama:")
    return next((card.name for card in catalogue() if card.name == name and card.url), None)
