"""The doctor's checks of what decides about tiers: the calibration and the budget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from tierwise.config import Budget
from tierwise.errors import TierwiseError
from tierwise_app.checks import Check, tiers_in_use
from tierwise_app.text import clean, money, plural

if TYPE_CHECKING:
    from tierwise.config import Settings

_CALIBRATE = "Run: tierwise router calibrate"


def check_routing(settings: Settings) -> Iterator[Check]:
    """The calibration, if there is more than one tier to choose from; the budget, if one is set."""
    if len(tiers_in_use(settings)) > 1:
        yield _calibration(settings)
    if settings.budget != Budget():
        yield _budget(settings)


def _calibration(settings: Settings) -> Check:
    from tierwise.runtime import configured_calibration

    name = "calibration"
    try:
        found, unused = configured_calibration(settings)
    except TierwiseError as error:
        return Check(name, "fail", clean(error.what), error.fix or _CALIBRATE)
    if found is None:
        return Check(name, "warn", "none: routing is uncalibrated", _CALIBRATE)
    if unused is not None:
        return Check(name, "warn", clean(unused), _CALIBRATE)
    days = max(0, int((time.time() - found.created) / 86400))
    predicting = any(stages.asked is not None for stages in found.drafts.values())
    prediction = "on" if predicting else "off"
    age = "made today" if not days else f"{plural(days, 'day')} old"
    return Check(
        name, "ok", f"{clean(found.id)}, {age}, {plural(found.questions, 'question')}, prediction {prediction}"
    )


def _budget(settings: Settings) -> Check:
    from tierwise.record import Record
    from tierwise_app.accounts import read_accounts

    name = "budget"
    try:
        with closing(Record(settings.home, redact=settings.redact)) as record:
            accounts = read_accounts(record, settings.budget)
    except TierwiseError as error:
        return Check(name, "fail", clean(error.what), error.fix)
    caps = ((name, getattr(settings.budget, name)) for name in ("turn", "thread"))
    each = [f"at most {money(usd)} a {name}" for name, usd in caps if usd is not None]
    text = ", ".join([*(f"{label} {one.text()}" for label, one in accounts.items()), *each])
    if any(one.reached for one in accounts.values()):
        fix = "Raise it under [budget], or go on with the tiers that cost nothing."
        return Check(name, "warn", f"{text}: tiers with a price are not asked any more", fix)
    free = [t.name for t in tiers_in_use(settings) if not t.stays_on_device and t.price is None]
    if free:
        return Check(name, "warn", f"{text}; {free[0]} has no price, so no budget bounds it", "Give it its price.")
    return Check(name, "ok", text)
