"""The numbers of the page: each with its name, its value in words, and what it means."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import streamlit as st

from tierwise import DecisionRecord, to_json
from tierwise.record import Insights, Stats, TierSums, saved, sum_up, summarise
from tierwise_app.text import duration, money, size
from tierwise_app.web.answer.meters import saving_text
from tierwise_app.web.desk import desk
from tierwise_app.web.insights.history import history
from tierwise_app.web.words import raw


@dataclass(frozen=True)
class Sums:
    """All sums of a period.

    Attributes:
        stats: those that ``tierwise stats`` prints, too.
        more: by reason, tier and day.
        spent: USD, deleted turns included.
        saved: USD that the largest tier would have cost for it; ``None`` if that is not known.
        saving: the same in words, with what it takes for granted; plain text.
    """

    stats: Stats
    more: Insights
    spent: float
    saved: float | None
    saving: str


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        key: its name in the catalogue, ``insights.figures.KEY``.
        value: as a number; ``None`` if it is not known.
        text: for people, as plain text.
    """

    key: str
    value: float | None
    text: str

    @property
    def label(self) -> str:
        """Its name, as plain text."""
        return raw(f"insights.figures.{self.key}.label")

    @property
    def definition(self) -> str:
        """What it means, as plain text."""
        return raw(f"insights.figures.{self.key}.help")


def sums(start: float | None) -> Sums:
    """The sums of a period; read once for each state of the record."""
    copilot = desk().copilot
    return _sums(start, copilot.record.version(), repr(copilot.tiers[-1]))


@st.cache_data(show_spinner=False, max_entries=16)
def _sums(start: float | None, version: object, largest: str) -> Sums:
    copilot, since = desk().copilot, start or 0.0
    records = history(start)
    work, deep = copilot.record.local_work(since), copilot.tiers[-1]
    known = deep.price is not None and not deep.stays_on_device
    return Sums(
        stats=summarise(records),
        more=sum_up(records),
        spent=copilot.record.spent(since),
        saved=saved(work, deep.price) if known and deep.price else None,
        saving=saving_text(work, copilot.tiers),
    )


def overview(found: Sums) -> list[Figure]:
    """How much, how local, how often a larger tier."""
    stats, more = found.stats, found.more
    return [
        _count("turns", stats.turns),
        _count("days", len(more.days)),
        _count("threads", more.threads),
        _share("local", stats.local_share),
        _share("escalation_rate", more.escalation_rate),
        _count("degraded", stats.degraded),
    ]


def judgement(found: Sums) -> list[Figure]:
    """What the user thought of the answers."""
    overruled, more = found.stats.overruled, found.more
    return [
        _share("regret", found.stats.regret),
        _share("waste", more.waste),
        _count("escalated_by_hand", overruled.get("escalate", 0)),
        _count("answered_locally", overruled.get("local", 0)),
        _count("again", overruled.get("again", 0)),
        _count("edited", overruled.get("edit", 0)),
    ]


def costs(found: Sums) -> list[Figure]:
    """Money, tokens, and what left."""
    stats, more = found.stats, found.more
    return [
        Figure("spent", found.spent, money(found.spent)),
        Figure("saved", found.saved, raw("insights.unknown") if found.saved is None else money(found.saved)),
        Figure("wasted_usd", more.wasted_usd, money(more.wasted_usd)),
        _count("read", stats.prompt_tokens),
        _count("written", stats.completion_tokens),
        Figure("sent_out", stats.sent_bytes, size(stats.sent_bytes)),
        Figure("energy", None, raw("insights.not_measured")),
    ]


def speed(found: Sums) -> list[Figure]:
    """How long answered turns take, all of their work included."""
    stats = found.stats
    return [_time("turn_p50", stats.ms_median), _time("turn_p95", stats.ms_p95)]


def tier_rows(found: Sums) -> list[dict[str, Any]]:
    """The tiers beside each other: answers and judgement."""
    return [
        {
            raw("insights.tiers.tier"): name,
            raw("insights.tiers.answers"): tier.answers,
            raw("insights.tiers.attempts"): tier.attempts,
            raw("insights.tiers.up"): tier.up,
            raw("insights.tiers.down"): tier.down,
            raw("insights.tiers.replaced"): tier.replaced,
        }
        for name, tier in found.more.by_tier.items()
    ]


def speed_rows(found: Sums) -> list[dict[str, Any]]:
    """The tiers beside each other: time, tokens and money."""
    return [
        {
            raw("insights.tiers.tier"): name,
            raw("insights.tiers.first"): _both(tier.first_token_p50, tier.first_token_p95),
            raw("insights.tiers.total"): _both(tier.ms_p50, tier.ms_p95),
            raw("insights.tiers.read"): tier.prompt_tokens,
            raw("insights.tiers.written"): tier.completion_tokens,
            raw("insights.tiers.cost"): money(tier.cost_usd),
        }
        for name, tier in found.more.by_tier.items()
    ]


def as_csv(found: Sums) -> str:
    """All numbers as a table: figure, value, unit-free; what each means stands beside it."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("figure", "of", "value", "definition"))
    writer.writerows(_lines(found))
    return file.getvalue()


def as_json(found: Sums) -> str:
    """All numbers as they are summed."""
    told = {**to_json(found.stats), "insights": to_json(found.more), "spent_usd": found.spent, "saved_usd": found.saved}
    return json.dumps(told, indent=2, ensure_ascii=False)


def records_json(start: float | None, *, texts: bool) -> str:
    """The decision records of a period, one a line; without texts nothing that was asked, said or read is in them."""
    records = desk().copilot.record.records(start) if texts else [without_texts(r) for r in history(start)]
    return "".join(f"{json.dumps(to_json(record), ensure_ascii=False)}\n" for record in records)


def without_texts(record: DecisionRecord) -> dict[str, Any]:
    """An outline without the words of anybody: what is left are names of ours, numbers and codes."""
    told: dict[str, Any] = to_json(record)
    for key in ("asked", "error", "searched", "document", "only", "collection"):
        told[key] = None
    told["feedback"] = (record.feedback or "").partition(":")[0].strip() or None
    told["notices"] = [notice.code for notice in record.notices]
    told["reasons"] = [{**reason, "text": ""} for reason in told["reasons"]]
    for attempt in told["attempts"]:
        attempt["error"] = None
        attempt["reasons"] = [{**reason, "text": ""} for reason in attempt["reasons"]]
    return told


def _lines(found: Sums) -> Iterator[tuple[str, str, object, str]]:
    for figure in (*overview(found), *judgement(found), *costs(found), *speed(found)):
        yield figure.key, "", "" if figure.value is None else figure.value, figure.definition
    for name, counts in (
        ("escalated_by", found.more.escalated_by),
        ("ahead_by", found.more.ahead_by),
        ("refused_by", found.more.refused_by),
        ("status", found.stats.by_status),
    ):
        for code, n in counts.items():
            yield name, code, n, raw(f"insights.tables.{name}")
    for tier, one in found.more.by_tier.items():
        for key in TierSums.__dataclass_fields__:
            value = getattr(one, key)
            yield f"tier_{key}", _cell(tier), "" if value is None else value, ""


def _cell(text: str) -> str:
    """A name as a spreadsheet shows it: never as a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text


def _count(key: str, value: int) -> Figure:
    return Figure(key, value, f"{value:,}")


def _share(key: str, value: float | None) -> Figure:
    return Figure(key, value, raw("insights.unknown") if value is None else f"{value:.0%}")


def _time(key: str, ms: float | None) -> Figure:
    return Figure(key, ms, raw("insights.unknown") if ms is None else duration(ms))


def _both(p50: float | None, p95: float | None) -> str:
    if p50 is None or p95 is None:
        return raw("insights.not_measured")
    return f"{duration(p50)} / {duration(p95)}"
