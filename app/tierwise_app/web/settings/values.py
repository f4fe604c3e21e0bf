"""What holds for all turns: chosen here, reviewed, then written to the configuration file."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from tierwise.errors import ConfigError
from tierwise.wish import WORDS, wish_text
from tierwise_app.accounts import read_accounts
from tierwise_app.config_file import ConfigFile, config_path
from tierwise_app.config_values import BUDGETS, MOST_PASSAGES, SHOWS, Values, changed, overriding, read_values
from tierwise_app.text import money
from tierwise_app.web.desk import Desk
from tierwise_app.web.settings.saving import draw_review, open_review
from tierwise_app.web.words import raw, say

_DIAL = (*WORDS, "share")
_ROUND = "settings-round"


def draw_values(here: Desk) -> None:
    """Draw the fields, and what of them is not saved."""
    path = config_path(here.settings.path, here.settings.home)
    try:
        file = ConfigFile(path)
        before = read_values(file)
    except ConfigError as error:
        st.error(say("settings.broken", problem=error), icon=":material/error:")
        return
    st.caption(say("settings.about" if file.before else "settings.about_new", file=path))
    # Fields belong to the file as it is: once it is written, by whomever, they begin anew with what it says.
    mark = f"{hashlib.sha256(file.before.encode()).hexdigest()[:12]}-{st.session_state.get(_ROUND, 0)}"
    over = _overridden(here)
    with st.container(border=True, key="settings-privacy"):
        after = _draw_privacy(before, mark, over)
    with st.container(border=True, key="settings-quality"):
        after |= _draw_quality(here, before, mark, over)
    with st.container(border=True, key="settings-documents"):
        after |= _draw_documents(before, mark)
    wanted = Values(**after)
    _draw_review_row(file, before, wanted)
    draw_review(here, path)


def _draw_review_row(file: ConfigFile, before: Values, wanted: Values) -> None:
    names = changed(before, wanted)
    count = len(names)
    text = say("settings.pending_one") if count == 1 else say("settings.pending_many", count=count)
    with st.container(horizontal=True, vertical_alignment="center", key="settings-review-row"):
        st.button(
            say("settings.review"),
            key="settings-review",
            type="primary",
            icon=":material/save:",
            help=say("settings.review_help"),
            disabled=not names,
            on_click=open_review,
            args=(file.before, wanted),
        )
        if names:
            st.button(say("settings.reset"), key="settings-reset", type="tertiary", on_click=_reset)
        st.caption(text if names else say("settings.nothing"), width="content")


def _draw_privacy(before: Values, mark: str, over: dict[str, str]) -> dict[str, Any]:
    st.subheader(say("settings.privacy.title"), anchor=False)
    after: dict[str, Any] = {}
    for name in ("locked", "offline"):
        after[name] = st.toggle(say(f"settings.privacy.{name}"), value=getattr(before, name), key=f"set-{name}-{mark}")
        st.caption(over.get(name) or say(f"settings.privacy.{name}_help"))
    shown = st.segmented_control(
        say("settings.privacy.show"),
        SHOWS,
        default=before.show_before_sending,
        required=True,
        format_func=lambda word: say(f"settings.privacy.{word}"),
        key=f"set-show-{mark}",
    )
    st.caption(say("settings.privacy.show_help"))
    after["show_before_sending"] = shown or before.show_before_sending
    return after


def _draw_quality(here: Desk, before: Values, mark: str, over: dict[str, str]) -> dict[str, Any]:
    st.subheader(say("settings.quality.title"), anchor=False)
    share = None if isinstance(before.dial, str) else float(before.dial)
    word = st.segmented_control(
        say("settings.quality.dial"),
        _DIAL,
        default="share" if share is not None else str(before.dial),
        required=True,
        format_func=lambda name: say(f"settings.quality.{name}"),
        key=f"set-dial-{mark}",
        help=say("settings.quality.dial_help"),
    )
    word = word if word in _DIAL else str(before.dial)
    st.caption(over.get("dial") or say(f"settings.quality.{word}_more"))
    after: dict[str, Any] = {"dial": word}
    if word == "share":
        percent = st.number_input(
            say("settings.quality.percent"),
            min_value=0.0,
            max_value=100.0,
            value=20.0 if share is None else 100 * share,
            step=5.0,
            format="%g",
            key=f"set-share-{mark}",
            persist_state="page",
        )
        after["dial"] = round((percent or 0.0) / 100, 6)
        if share is not None and abs(share - after["dial"]) < 1e-6:
            after["dial"] = before.dial
    with st.grid(2, min_column_width=220):
        for name in BUDGETS:
            with st.container(key=f"settings-{name}"):
                after[name] = st.number_input(
                    say(f"settings.quality.{name}"),
                    min_value=0.0,
                    value=getattr(before, name),
                    step=0.5,
                    format="%g",
                    key=f"set-{name}-{mark}",
                    placeholder=raw("settings.no_bound"),
                    help=say(f"settings.quality.{name}_help"),
                )
                if name in over:
                    st.caption(over[name])
    spent = read_accounts(here.copilot.record, here.settings.budget)
    facts = {"day": money(spent["today"].spent), "month": money(spent["month"].spent)}
    st.caption(say("settings.quality.spent", **facts))
    return after


def _draw_documents(before: Values, mark: str) -> dict[str, Any]:
    st.subheader(say("settings.documents.title"), anchor=False)
    grounded = st.toggle(say("settings.documents.grounded"), value=before.grounded, key=f"set-grounded-{mark}")
    st.caption(say("settings.documents.grounded_help"))
    passages = st.number_input(
        say("settings.documents.passages"),
        min_value=1,
        max_value=max(MOST_PASSAGES, before.passages),
        value=before.passages,
        key=f"set-passages-{mark}",
        width=260,
    )
    st.caption(say("settings.documents.passages_help"))
    return {"grounded": grounded, "passages": int(passages or before.passages)}


def value_text(name: str, value: Any) -> str:
    """A value for people, as plain text."""
    if isinstance(value, bool):
        return raw("settings.on" if value else "settings.off")
    if name in BUDGETS:
        return raw("settings.no_bound") if value is None else money(value)
    if name == "show_before_sending":
        return raw(f"settings.privacy.{value}")
    if name == "dial":
        return raw(f"settings.quality.{value}") if value in WORDS else wish_text(value)
    return str(value)


def _overridden(here: Desk) -> dict[str, str]:
    """What to say below each field that the environment decides."""
    settings = here.settings
    now = {
        "dial": settings.dial,
        **{name: getattr(settings.budget, name) for name in BUDGETS},
        "offline": settings.offline,
        "locked": settings.locked,
    }
    return {
        name: say("settings.overridden", variable=variable, value=value_text(name, now[name]))
        for name, variable in overriding().items()
    }


def _reset() -> None:
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
