"""Periods of one's own history, and the decision records of one."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from tierwise import DecisionRecord
from tierwise_app.web.desk import desk
from tierwise_app.web.words import say

PERIODS: dict[str, int | None] = {"7": 7, "30": 30, "90": 90, "all": None}
"""Days of each period, today included."""
USUAL = "30"


def choose_period(key: str) -> float | None:
    """Draw the choice of a period; when it began, in seconds since 1970, ``None`` for all."""
    chosen = st.segmented_control(
        say("insights.period.label"),
        list(PERIODS),
        default=USUAL,
        required=True,
        format_func=lambda name: say(f"insights.period.{name}"),
        key=key,
    )
    return start_of(PERIODS.get(chosen or USUAL, PERIODS[USUAL]))


def start_of(days: int | None, now: datetime | None = None) -> float | None:
    """When a period of so many days that ends today began: at midnight, so that it holds all day."""
    if days is None:
        return None
    today = (now or datetime.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today - timedelta(days=days - 1)).timestamp()


def history(start: float | None) -> list[DecisionRecord]:
    """The turns of a period, oldest first, without their texts."""
    return desk().copilot.record.outlines(start)
