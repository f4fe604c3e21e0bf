"""The curve: turns that go up against what is known of the drafts that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tierwise.routing import CurvePoint
from tierwise_app.web.words import raw, say

_ROWS = 21  # of the table: a longer one tells nobody more


def draw_curve(points: Sequence[CurvePoint], marks: Mapping[str, CurvePoint], present: str, tried: str) -> None:
    """Draw the curve and its numbers.

    Args:
        points: by rising share.
        marks: settings by their names, in plain words.
        present: name of the setting in force.
        tried: name of the setting that is tried.
    """
    st.vega_lite_chart(None, _chart(points, marks, present, tried), alt=_told(marks, present, tried))
    st.caption(say("lab.curve.caption"))
    with st.expander(say("lab.curve.table"), icon=":material/table:"):
        rows = [_row(name, at) for name, at in marks.items()]
        step = max(1, len(points) // (_ROWS - 1))
        rows += [_row("", at) for i, at in enumerate(points) if i % step == 0 or at is points[-1]]
        st.dataframe(rows, hide_index=True, alt=raw("lab.curve.table"))


def _chart(points: Sequence[CurvePoint], marks: Mapping[str, CurvePoint], present: str, tried: str) -> dict[str, Any]:
    """The chart in Vega-Lite."""
    share, good, disliked, name, kind = (raw(f"lab.curve.{k}") for k in ("share", "good", "disliked", "name", "kind"))
    kinds = {present: raw("lab.curve.present"), tried: raw("lab.curve.tried")}
    if present == tried:
        kinds[present] = raw("lab.curve.both")
    line = [{share: p.share, good: p.p_good, disliked: p.disliked} for p in points if p.p_good is not None]
    dots = [
        {share: p.share, good: p.p_good, disliked: p.disliked, name: label,
         kind: kinds.get(label, raw("lab.curve.other"))}
        for label, p in marks.items()
        if p.p_good is not None
    ]  # fmt: skip
    tooltip = [
        {"field": share, "type": "quantitative", "format": ".0%"},
        {"field": good, "type": "quantitative", "format": ".0%"},
        {"field": disliked, "type": "quantitative"},
    ]
    legend = {"orient": "bottom", "title": None}
    return {
        "height": 340,
        "encoding": {
            "x": {"field": share, "type": "quantitative", "axis": {"format": "%"}, "scale": {"domain": [0, 1]}},
            "y": {"field": good, "type": "quantitative", "axis": {"format": "%"}, "scale": {"zero": False}},
        },
        "layer": [
            {"data": {"values": line}, "mark": "line", "encoding": {"tooltip": tooltip}},
            {
                "data": {"values": dots},
                "mark": {"type": "point", "size": 120, "filled": True, "opacity": 1},
                "encoding": {
                    "shape": {"field": kind, "type": "nominal", "legend": legend},
                    "color": {"field": kind, "type": "nominal", "legend": legend},
                    "tooltip": [{"field": name, "type": "nominal"}, *tooltip],
                },
            },
        ],
    }


def _row(name: str, at: CurvePoint) -> dict[str, object]:
    return {
        raw("lab.curve.name"): name,
        raw("lab.curve.share"): f"{at.share:.0%}",
        raw("lab.curve.up"): at.escalated,
        raw("lab.curve.good"): "" if at.p_good is None else f"{at.p_good:.0%}",
        raw("lab.curve.disliked"): at.disliked,
    }


def _told(marks: Mapping[str, CurvePoint], present: str, tried: str) -> str:
    """The chart in words."""
    parts = [raw("lab.curve.alt")]
    for name in dict.fromkeys((present, tried)):
        if name in marks:
            at = marks[name]
            good = raw("lab.curve.none") if at.p_good is None else f"{at.p_good:.0%}"
            parts.append(raw("lab.curve.alt_point", name=name, share=f"{at.share:.0%}", good=good, n=at.disliked))
    return " ".join(parts)
