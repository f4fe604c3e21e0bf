"""``tierwise stats``: sums over the decision records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.jsonable import to_json
from tierwise_app.accounts import read_accounts
from tierwise_app.cli.session import Json, session
from tierwise_app.console import out, print_json
from tierwise_app.text import duration, money, plural, since, size

if TYPE_CHECKING:
    from tierwise.record import Stats


def stats(
    ctx: typer.Context,
    period: Annotated[
        str | None, typer.Option("--since", metavar="AGE", help="Only turns since 12h, 30d, 4w or a day (2026-11-01).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sum up your turns: which tier answered, what stayed local, cost, time."""
    start = since(period) if period else None
    current = session(ctx)
    with current.record() as record:
        found, accounts = record.stats(start), read_accounts(record, current.settings().budget)
        improvable = record.missed_count()
        more = record.insights(start) if as_json else None
    if as_json:
        told = {"budget": to_json(accounts), "improvable": improvable, "insights": to_json(more)}
        print_json({**to_json(found), **told})
        return
    for label, text in _lines(found):
        out().print(f"{label:<14} {text}")
    if improvable:
        out().print(f"{'improvable':<14} {plural(improvable, 'answer')}: tierwise improve")
    for label, account in accounts.items():
        if account.cap is not None:
            out().print(f"{'spent ' + label:<14} {account.text()}")


def _lines(stats: Stats) -> Iterator[tuple[str, str]]:
    yield "turns", f"{stats.turns:,}" + _counts(stats.by_status)
    if not stats.turns:
        return
    yield "answered by", _counts(stats.by_tier).strip(" ()") or "no tier yet"
    yield "escalated", plural(stats.escalated, "turn")
    if stats.local_share is not None:
        yield "stayed local", f"{stats.local_share:.0%} of the answered turns"
    yield "degraded", plural(stats.degraded, "turn")
    yield "overruled", _counts(stats.overruled).strip(" ()") or "0 turns"
    if stats.thumbs:
        yield "thumbs", _counts(stats.thumbs).strip(" ()")
    if stats.regret is not None:
        yield "regret", f"{stats.regret:.0%} of the answers from this device were escalated or thumbed down by you"
    yield "cost", money(stats.cost_usd)
    yield "tokens", f"{stats.prompt_tokens:,} read, {stats.completion_tokens:,} written"
    yield "sent out", size(stats.sent_bytes)
    if stats.ms_median is not None and stats.ms_p95 is not None:
        yield "time a turn", f"median {duration(stats.ms_median)}, 95 % within {duration(stats.ms_p95)}"


def _counts(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return f" ({listed})" if listed else ""
