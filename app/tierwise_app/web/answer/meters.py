"""Meters beside the chat: how full the model's window is, what was spent and saved, how much stayed on the device."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from tierwise import Copilot, DecisionRecord, Tier
from tierwise.errors import UnknownName
from tierwise.record import LocalWork, saved
from tierwise.routing import day_and_month
from tierwise_app.accounts import Account, read_accounts
from tierwise_app.text import money, plural
from tierwise_app.web.words import plain, raw, say

_LOOKED_AT = 3  # newest turns among which the last prompt is looked for
_FULL = 0.85
_OF_THE_WINDOW = ("context_cut", "context_condensed")


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of a window a prompt took.

    Attributes:
        tier: whose window.
        tokens: of the prompt, as counted before it was sent.
        window: tokens of prompt and answer together.
        told: what was condensed or left out, in sentences.
    """

    tier: str
    tokens: int
    window: int
    told: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the window, in [0, 1]."""
        return min(self.tokens / self.window, 1.0)


def read_gauge(turns: Sequence[DecisionRecord]) -> Gauge | None:
    """The last prompt of a thread, in the smallest window it was made for; ``None`` if there was none.

    Args:
        turns: of the thread, oldest first.
    """
    for record in reversed(turns):
        prompts = [attempt for attempt in record.attempts if attempt.prompt.get("window")]
        if not prompts:
            continue
        least = min(prompts, key=lambda attempt: attempt.prompt["window"])
        window = least.prompt["window"]
        told = tuple(notice.text for notice in record.notices if notice.code in _OF_THE_WINDOW)
        return Gauge(least.tier, sum(least.prompt.values()) - window, window, told)
    return None


def saving_text(work: LocalWork, tiers: Sequence[Tier]) -> str:
    """What the device's answers saved against having the largest tier answer all, with what that takes for granted."""
    deep = tiers[-1]
    if deep.stays_on_device:
        return raw("meters.no_hosted")
    if deep.price is None:
        return raw("meters.no_price", tier=deep.name)
    if not work.free:
        return raw("meters.nothing_saved", tier=deep.name)
    return raw(
        "meters.saved",
        usd=money(saved(work, deep.price)),
        tier=deep.name,
        answers=plural(work.free, "answer"),
        read=f"{work.prompt_tokens:,}",
        written=f"{work.completion_tokens:,}",
    )


@st.fragment
def draw_meters(copilot: Copilot, thread: str | None) -> None:
    """Draw the meters, for the sidebar.

    Args:
        copilot: the one in force.
        thread: the open thread, ``None`` for a new one.
    """
    record = copilot.record
    month = day_and_month(time.time())[1]
    work = record.local_work(month.start)
    gauge = read_gauge(_newest(copilot, thread))
    if gauge is not None:
        _draw_gauge(gauge)
    accounts = read_accounts(record, copilot.settings.budget)
    spent = [] if thread is None else [say("meters.thread", usd=money(record.spent_in(thread)))]
    spent.append(say("meters.month", usd=money(accounts["month"].spent)))
    st.caption(" · ".join(spent))
    if thread is not None:
        accounts = {"thread": Account(record.spent_in(thread), copilot.settings.budget.thread), **accounts}
    for name, account in accounts.items():
        if account.cap:
            _draw_budget(name, account)
    if work.share is not None:
        text = say("meters.local", share=f"{work.share:.0%}", answered=plural(work.answered, "answer"))
        st.progress(work.share, text=text)
        st.caption(plain(saving_text(work, copilot.tiers)))


def _newest(copilot: Copilot, thread: str | None) -> list[DecisionRecord]:
    if thread is None:
        return []
    try:
        return copilot.record.turns(thread, last=_LOOKED_AT, standing=True)
    except UnknownName:
        return []


def _draw_gauge(gauge: Gauge) -> None:
    text = say("meters.context", tokens=f"{gauge.tokens:,}", window=f"{gauge.window:,}", tier=gauge.tier)
    st.progress(gauge.share, text=text)
    for told in gauge.told:
        st.caption(f":material/compress: {plain(told)}")
    if not gauge.told and gauge.share >= _FULL:
        st.caption(say("meters.nearly_full"))


def _draw_budget(name: str, account: Account) -> None:
    cap = account.cap or 0.0
    left = max(cap - account.spent, 0.0)
    st.progress(min(account.spent / cap, 1.0), text=say(f"meters.budget.{name}", left=money(left), cap=money(cap)))
    if account.reached:
        st.caption(say("meters.spent_up"))
