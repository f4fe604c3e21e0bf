"""What one window of the browser is at: its thread, and how its next message is to be asked."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.wish import WORDS
from tierwise_app.config_values import shows_before_sending
from tierwise_app.web.desk import Desk

PAGE = 20
"""Turns that are drawn at first, and more at each wish for earlier ones."""
INPUT = "chat-input"
DRAFT = "chat-draft"
"""Where another page leaves a text for the input."""


def thread() -> str | None:
    """The open thread, from the address; ``None`` for a new one."""
    return st.query_params.get("thread") or None


def open_thread(name: str | None) -> None:
    """Go to a thread, or to a new one."""
    if name is None:
        st.query_params.pop("thread", None)
    else:
        st.query_params["thread"] = name
    st.session_state["shown"] = PAGE


def shown() -> int:
    """How many turns of the thread are drawn."""
    return int(st.session_state.setdefault("shown", PAGE))


def options(desk: Desk) -> dict[str, Any]:
    """How the next message is asked; whether it can be asked so is seen to where it is."""
    chosen = st.session_state
    known = {"auto", "quick", "deep", *(tier.name for tier in desk.copilot.tiers)}
    tier, dial = chosen.get("ask-tier"), chosen.get("ask-dial")
    return {
        "tier": tier if tier in known else "auto",
        "dial": dial if dial in WORDS else None,
        "lock": bool(chosen.get("ask-lock", False)),
        "collection": chosen.get("ask-collection"),  # one that is gone is told: to search all would be another question
        "grounded": chosen.get("ask-grounded"),
        "show_before_sending": shows_before_sending(desk.settings),
    }


def collection_names(desk: Desk) -> list[str]:
    """The collections there are; none while they cannot be read."""
    try:
        return [one.name for one in desk.copilot.knowledge.collections()]
    except TierwiseError:
        return []
