"""What may be spent: the cap that no tier with a price gets past, and the pace that makes the rest last.

A tier without a price is not bounded by money: what it costs is not known. Pure functions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from tierwise.types import Reason

# From this share of a cap on the user is told, also where the pace still allows everything.
LOW = 0.8
# Nobody's day is so quiet that the whole rest of it should be bet on fewer questions.
LEAST_TURNS = 5.0


@dataclass(frozen=True, slots=True)
class Period:
    """What a cap holds for: a turn, a thread, or a calendar day or month of this machine's clock.

    ``caller`` is such a day of one caller of an API. A day or month goes from ``start`` up to ``end``, in seconds since
    1970; the others have no end.
    """

    name: Literal["turn", "thread", "caller", "day", "month"]
    start: float = 0.0
    end: float = math.inf


TURN, THREAD = Period("turn"), Period("thread")
_OF = {
    "turn": "this turn's budget of {}",
    "thread": "this thread's budget of {}",
    "caller": "the {} that this key may spend a day",
    "day": "today's budget of {}",
    "month": "this month's budget of {}",
}


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound on the money of a turn, a thread, a day, a month, or of one caller in a day.

    Attributes:
        period: what it holds for.
        cap: USD that may be spent.
        spent: USD that have been.
        aside: USD that are set aside for requests which run now, in this or another program.
    """

    period: Period
    cap: float
    spent: float
    aside: float = 0.0

    @property
    def left(self) -> float:
        """USD that may still be spent; 0 once more than the cap has been."""
        return max(0.0, self.cap - self.spent - self.aside)

    @property
    def reached(self) -> bool:
        """Whether no further call may be paid for."""
        return self.spent + self.aside >= self.cap

    @property
    def low(self) -> bool:
        """Whether most of it is spent."""
        return self.spent + self.aside >= LOW * self.cap

    def plus(self, usd: float) -> Cap:
        """The same with more spent."""
        return replace(self, spent=self.spent + usd)

    def text(self) -> str:
        """How much of it is spent, for people."""
        text = f"{_money(self.spent)} of {_OF[self.period.name].format(_money(self.cap))} are spent"
        return f"{text} and {_money(self.aside)} set aside for requests that run" if self.aside else text

    @property
    def raise_it(self) -> str:
        """What to do so that there is more, for people."""
        if self.period.name == "caller":
            return "ask for a key that may spend more"
        return "raise it under [budget] in tierwise.toml"

    def again(self) -> str | None:
        """When there is money again, for people."""
        if self.cap <= 0:
            return None
        if self.period.name == "turn":
            return "the next turn has its own"
        if self.period.name == "thread":
            return "a new thread has its own"
        if self.spent < self.cap:
            return "there may be money again when those are over"
        return f"there is money again from {_end(self.period)} on"


@dataclass(frozen=True, slots=True)
class Habit:
    """How the user asks.

    Attributes:
        today: turns of today so far.
        a_day: turns on a usual day; ``None`` without a day to tell from.
        cost: USD of a turn that costs money.
    """

    today: int
    a_day: float | None
    cost: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The share of questions that may go up so that the money lasts to the end of the period."""

    share: float
    period: Period

    def text(self) -> str:
        """For people."""
        return f"Paced to last: about {100 * self.share:.0f} % of questions may go up until {_end(self.period)}."


def day_and_month(now: float) -> tuple[Period, Period]:
    """The calendar day and month of a moment, by this machine's clock."""
    day = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    after = (month + timedelta(days=32)).replace(day=1)
    return (
        Period("day", day.timestamp(), (day + timedelta(days=1)).timestamp()),
        Period("month", month.timestamp(), after.timestamp()),
    )


def obstacles(tier: str, caps: Iterable[Cap]) -> tuple[Reason, ...]:
    """What the caps that are reached say against a tier with a price."""
    reasons = []
    for cap in caps:
        if cap.reached:
            again = f"; {then}" if (then := cap.again()) else ""
            text = f"{tier} costs money, and {cap.text()}{again}."
            reasons.append(Reason("budget", text, cap.spent + cap.aside, cap.cap))
    return tuple(reasons)


def pace(caps: Sequence[Cap], habit: Habit, now: float) -> Pace | None:
    """The share of questions that may go up so that the cap of every day and month lasts; ``None`` without one."""
    paces = [
        Pace(allowed_share(cap.left, turns_expected(cap.period, habit, now), habit.cost), cap.period)
        for cap in caps
        if cap.period.name in ("day", "month")  # how often one caller asks is not known
    ]
    return min(paces, key=lambda one: one.share, default=None)


def allowed_share(left: float, turns: float, cost: float) -> float:
    """The share of the turns to come that what is left can pay for, in [0, 1].

    Args:
        left: USD.
        turns: how many are expected.
        cost: USD of one that goes up.
    """
    if left <= 0:
        return 0.0
    # Compared before dividing: the smallest of numbers must not overflow.
    needed = cost * max(turns, 1.0)
    return 1.0 if left >= needed else left / needed


def turns_expected(period: Period, habit: Habit, now: float) -> float:
    """Turns until the end of a period, this one included.

    Today has at least what a usual day still lacks; one that is busier than usual goes on like a usual one.
    """
    usual = max(LEAST_TURNS, habit.a_day or 0.0)
    today, _ = day_and_month(now)
    rest = (today.end - now) / (today.end - today.start)
    turns = max(1.0, usual - habit.today, usual * rest)
    return turns + usual * round(max(0.0, period.end - today.end) / 86400)


def _end(period: Period) -> str:
    then = time.localtime(period.end)
    return "midnight" if period.name in ("day", "caller") else f"{then.tm_mday} {time.strftime('%B', then)}"


def _money(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.2g}"
