"""The page as a whole."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st

from tierwise.record import DaySums
from tierwise_app.web.desk import desk
from tierwise_app.web.insights.figures import (
    Figure,
    Sums,
    as_csv,
    as_json,
    costs,
    judgement,
    overview,
    records_json,
    speed,
    speed_rows,
    sums,
    tier_rows,
)
from tierwise_app.web.insights.history import choose_period
from tierwise_app.web.insights.improving import draw_improving
from tierwise_app.web.words import known, plain, raw, say

_DAYS = 45  # bars beyond which weeks are drawn


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.insights"))
    st.markdown(say("insights.lead"))
    draw_improving(desk())
    start = choose_period("insights-period")
    found = sums(start)
    if not found.stats.turns:
        st.info(say("insights.empty"), icon=":material/hourglass_empty:")
        st.page_link("app_pages/chat.py", label=say("insights.ask"), icon=":material/forum:")
        return
    _draw_figures(overview(found))
    _draw_days(found.more.days)
    _draw_reasons(found)
    st.subheader(say("insights.judgement"))
    _draw_figures(judgement(found))
    st.caption(say("insights.waste_note"))
    st.dataframe(tier_rows(found), hide_index=True, alt=raw("insights.tiers.alt"))
    st.subheader(say("insights.speed"))
    _draw_figures(speed(found))
    st.dataframe(speed_rows(found), hide_index=True, alt=raw("insights.tiers.speed_alt"))
    st.caption(say("insights.speed_note"))
    st.subheader(say("insights.costs"))
    _draw_figures([figure for figure in costs(found) if figure.key != "energy"])
    st.caption(plain(found.saving))
    st.caption(say("insights.energy"))
    _draw_export(found, start)


def _draw_figures(figures: Sequence[Figure]) -> None:
    with st.grid(3, min_column_width=150, gap="small"):
        for figure in figures:
            st.metric(plain(figure.label), figure.text, help=plain(figure.definition), border=True, height="stretch")


def _draw_days(days: Sequence[DaySums]) -> None:
    if not days:
        return
    weekly = (date.fromisoformat(days[-1].day) - date.fromisoformat(days[0].day)).days >= _DAYS
    local, out, begin = raw("insights.days.local"), raw("insights.days.out"), raw("insights.days.day")
    counts: dict[str, Counter[str]] = {}
    for one in days:
        day = date.fromisoformat(one.day)
        place = day - timedelta(days=day.weekday()) if weekly else day
        counts.setdefault(place.isoformat(), Counter()).update({local: one.local, out: one.out})
    rows = [{begin: place, local: n[local], out: n[out]} for place, n in counts.items()]
    st.subheader(say("insights.days.weekly" if weekly else "insights.days.daily"))
    busiest = max(counts, key=lambda place: counts[place].total())
    alt = raw("insights.days.alt", local=f"{sum(d.local for d in days):,}", out=f"{sum(d.out for d in days):,}",
              day=busiest)  # fmt: skip
    st.vega_lite_chart(None, _bars(counts, begin, weekly=weekly), alt=alt)
    with st.expander(say("insights.days.table"), icon=":material/table:"):
        st.dataframe(rows, hide_index=True, alt=alt)


def _bars(counts: Mapping[str, Counter[str]], begin: str, *, weekly: bool) -> dict[str, Any]:
    """The chart in Vega-Lite: bars on each other, one a day or week."""
    turns, kind = raw("insights.days.turns"), raw("insights.days.kind")
    unit = "yearweek" if weekly else "yearmonthdate"
    values = [{begin: place, kind: name, turns: n} for place, both in counts.items() for name, n in both.items()]
    encoding = {
        "x": {"field": begin, "type": "temporal", "timeUnit": unit, "title": None},
        "y": {"field": turns, "type": "quantitative", "axis": {"tickMinStep": 1}},
        "color": {"field": kind, "type": "nominal", "legend": {"orient": "bottom", "title": None}},
        "tooltip": [{"field": begin}, {"field": kind}, {"field": turns}],
    }
    # A layer brings its data with it; data of the whole chart would come to the browser only after it is first drawn.
    return {"height": 280, "layer": [{"data": {"values": values}, "mark": "bar", "encoding": encoding}]}


def _draw_reasons(found: Sums) -> None:
    more = found.more
    st.subheader(say("insights.reasons"))
    if not (more.escalated_by or more.ahead_by or more.refused_by):
        st.caption(say("insights.no_reasons"))
        return
    _draw_counts("escalated_by", more.escalated_by)
    _draw_counts("ahead_by", more.ahead_by)
    _draw_counts("refused_by", more.refused_by)


def _draw_counts(table: str, counts: Mapping[str, int]) -> None:
    if not counts:
        return
    st.markdown(say(f"insights.tables.{table}"))
    total = sum(counts.values())
    rows = [
        {raw("insights.why"): _reason(code), raw("insights.turns"): n, raw("insights.part"): f"{n / total:.0%}"}
        for code, n in counts.items()
    ]
    st.dataframe(rows, hide_index=True, alt=raw(f"insights.tables.{table}"))


def _reason(code: str) -> str:
    key = f"insights.codes.{code}"
    return raw(key) if known(key) else code


@st.fragment
def _draw_export(found: Sums, start: float | None) -> None:
    st.subheader(say("insights.export.title"))
    st.markdown(say("insights.export.lead"))
    today = time.strftime("%Y-%m-%d")
    with st.container(horizontal=True):
        st.download_button(
            say("insights.export.csv"), lambda: as_csv(found), f"tierwise-insights-{today}.csv", "text/csv",
            key="insights-csv", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            say("insights.export.json"), lambda: as_json(found), f"tierwise-insights-{today}.json", "application/json",
            key="insights-json", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    texts = st.checkbox(say("insights.export.texts"), key="insights-texts", help=say("insights.export.texts_help"))
    st.download_button(
        say("insights.export.records"), lambda: records_json(start, texts=texts),
        f"tierwise-records-{today}.jsonl", "application/x-ndjson", key="insights-records", icon=":material/download:",
        on_click="ignore", help=say("insights.export.records_help"),
    )  # fmt: skip
