"""``tierwise router replay``: what another setting would have changed, from the records alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from tierwise.errors import InvalidInput, UsageError
from tierwise.jsonable import to_json
from tierwise.types import Dial
from tierwise_app.checks import tiers_in_use
from tierwise_app.cli.session import Json, session
from tierwise_app.console import err, out, print_json
from tierwise_app.replays import line_to_try
from tierwise_app.text import clean, money, plural, since

if TYPE_CHECKING:
    from tierwise.routing import Replay

_SHOWN = 10  # ids of turns
_SKIPPED = {
    "not_done": "without an answer",
    "manual": "a tier was asked for",
    "locked": "locked to this device, or offline",
    "no_draft": "not begun on {0}",
    "no_larger_tier": "no larger tier could be asked",
    "doubted": "the draft was given up before its end",
    "unmeasured": "the draft could not be judged",
    "unknown": "the setting does not say",
}


def replay(
    ctx: typer.Context,
    dial: Annotated[
        str | None, typer.Option("--dial", metavar="WISH", help="Try economy, balanced or quality.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option("--target-share", metavar="S", help="Try a share of turns that go to a larger tier: 0.2 or 20%."),
    ] = None,
    period: Annotated[
        str | None, typer.Option("--since", metavar="AGE", help="Only turns since 12h, 30d, 4w or a day (2026-11-01).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell from the decision records what another setting would have changed. No model and no tool is run.

    Drafts are judged by the calibration, if one is in force; else by their chance of being right.
    """
    from tierwise.routing import replay as decide_again
    from tierwise.runtime import configured_calibration

    if (dial is None) == (share is None):
        raise UsageError("Give either --dial WISH or --target-share S.")
    wanted = _share(share) if share is not None else None
    if dial is not None and dial not in get_args(Dial):
        raise InvalidInput(f"The dial has no {dial!r}.", fix=f"Use {', '.join(get_args(Dial))}.")
    start = since(period) if period else None
    settings = session(ctx).settings()
    tiers = tiers_in_use(settings)
    if len(tiers) < 2:
        raise UsageError("There is only one tier, so no setting changes anything.", fix="Add one: tierwise setup.")
    cheapest = tiers[0].name
    with session(ctx).record() as record:
        turns = record.outlines(start)
    calibration, unused = configured_calibration(settings)
    if unused is not None:
        err().print(clean(unused), style="yellow")
        calibration = None
    wish = cast(Dial, dial) if wanted is None else wanted
    line, threshold = line_to_try(turns, wish, cheapest=cheapest, calibration=calibration)
    found = decide_again(turns, cheapest=cheapest, line=line)
    judged_by = calibration.id if calibration else None
    if as_json:
        told = {"dial": dial, "target_share": wanted, "threshold": threshold, "calibration": judged_by}
        print_json({**told, **to_json(found)})
        return
    if judged_by:
        out().print(f"{'judged by':<14} calibration {judged_by}")
    for label, text in _lines(found, cheapest, threshold):
        out().print(f"{label:<14} {text}")


def _share(word: str) -> float:
    """A share such as ``0.2`` or ``20%``.

    Raises:
        InvalidInput: if it is none.
    """
    try:
        value = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidInput(f"{word!r} is not a share.", fix="Write a number from 0 to 1, or a percentage such as 20%.")
    return value


def _lines(found: Replay, cheapest: str, threshold: float | None) -> Iterator[tuple[str, str]]:
    plain = f", {found.failed_checks:,} of them with a draft that no setting lets pass" if found.failed_checks else ""
    yield "looked at", plural(found.turns, "turn") + plain
    label = "left out"
    for why, count in sorted(found.skipped.items(), key=lambda item: (-item[1], item[0])):
        yield label, f"{plural(count, 'turn')}: {_SKIPPED.get(why, why).format(cheapest)}"
        label = ""
    if not found.turns:
        return
    if threshold is not None:
        yield "line", f"drafts below p(good) {threshold:.2f} go up"
    yield "escalated", f"{plural(found.escalations_then, 'turn')} then, {found.escalations_now:,} now"
    yield "stayed local", f"{found.local_share_then or 0:.0%} then, {found.local_share_now or 0:.0%} now"
    yield "larger tiers", f"{_money(found.usd_then)} then, {_money(found.usd_now)} now (estimated)"
    yield "more", _turns(found.more, found.disliked_more, "disliked or overruled as it was answered")
    yield "fewer", _turns(found.fewer, found.disliked_fewer, "disliked or overruled all the same")


def _money(usd: float | None) -> str:
    return "not known" if usd is None else money(usd)


def _turns(ids: tuple[str, ...], disliked: int, words: str) -> str:
    if not ids:
        return "0 turns"
    rest = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    judged = f", {disliked:,} {words}" if disliked else ""
    return f"{plural(len(ids), 'turn')}{judged}: {', '.join(ids[:_SHOWN])}{rest}"
