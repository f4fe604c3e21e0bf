"""What was spent today and this month, against what may be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tierwise_app.text import money

if TYPE_CHECKING:
    from tierwise.config import Budget
    from tierwise.record import Record


@dataclass(frozen=True, slots=True)
class Account:
    """USD spent in a period, and the cap, ``None`` without one."""

    spent: float
    cap: float | None

    @property
    def reached(self) -> bool:
        """Whether no further call may be paid for."""
        return self.cap is not None and self.spent >= self.cap

    def text(self) -> str:
        """For people."""
        return money(self.spent) if self.cap is None else f"{money(self.spent)} of {money(self.cap)}"


def read_accounts(record: Record, budget: Budget) -> dict[str, Account]:
    """The accounts of ``today`` and ``month``."""
    from tierwise.routing import day_and_month

    day, month = day_and_month(time.time())
    return {
        "today": Account(record.spent(day.start), budget.day),
        "month": Account(record.spent(month.start), budget.month),
    }
