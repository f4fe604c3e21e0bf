"""How an ingest went, file by file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from tierwise import to_json
from tierwise.knowledge import IngestReport, SourceReport
from tierwise_app.text import duration, one_line, place
from tierwise_app.web.knowledge.counting import counted
from tierwise_app.web.words import plain, raw, say

PAGE = 20
_ORDER = ("failed", "added", "changed", "removed", "unchanged")
_ICONS = {
    "failed": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "added": ":green[:material/check_circle:]",
    "changed": ":green[:material/change_circle:]",
    "removed": ":material/remove_circle:",
    "unchanged": ":material/radio_button_unchecked:",
}


def summary(report: IngestReport) -> str:
    """The counts of a report in a line of plain text; what is zero is left out."""
    counts = [
        raw(f"knowledge.report.counts.{status}", count=f"{count:,}")
        for status in ("added", "changed", "removed", "unchanged", "failed")
        if (count := getattr(report, status))
    ]
    if not counts:
        return raw("knowledge.report.none")
    return raw("knowledge.report.took", counts=", ".join(counts), time=duration(report.seconds * 1000))


def draw_report(report: IngestReport, *, key: str, action: Callable[[], None] | None = None) -> None:
    """Draw a report: the counts, what failed, what was read with warnings, then the rest, and a download of all of it.

    Args:
        report: of an ingest.
        key: of its widgets; one report may be drawn in two places.
        action: draws what else can be done, beside the download.
    """
    st.markdown(f"**{plain(summary(report))}**")
    if report.stopped:
        st.caption(say("knowledge.report.stopped"))
    few = report.unchanged <= PAGE
    listed = [s for s in sorted(report.sources, key=_rank) if few or s.status != "unchanged" or s.warnings]
    start = 0
    if len(listed) > PAGE:
        # Drawn before the list, so that the list does not jump when another page is chosen.
        number = st.pagination(-(-len(listed) // PAGE), key=f"{key}-page")
        start = PAGE * (number - 1)
    for source in listed[start : start + PAGE]:
        _draw_source(source)
    if not few:
        st.caption(say("knowledge.report.unchanged", count=f"{report.unchanged:,}"))
    with st.container(horizontal=True):
        if report.sources:
            st.download_button(
                say("knowledge.report.download"),
                data=lambda: json.dumps(to_json(report), indent=2, ensure_ascii=False),
                file_name="ingest-report.json",
                mime="application/json",
                key=f"{key}-json",
                icon=":material/download:",
                on_click="ignore",
            )
        if action is not None:
            action()


def _rank(source: SourceReport) -> tuple[int, bool, str]:
    return _ORDER.index(source.status), not source.warnings, source.path


def _draw_source(source: SourceReport) -> None:
    icon = _ICONS["warning" if source.warnings and source.status != "failed" else source.status]
    facts = [raw(f"knowledge.report.status.{source.status}")]
    if source.status in ("added", "changed", "unchanged"):
        facts += [counted("pages", source.pages)] if source.pages else []
        facts.append(counted("passages", source.passages))
    lines = [f"{icon} **{plain(_name(source.path))}** · {plain(' · '.join(facts))}"]
    lines += [f"{say('knowledge.report.status.warning')}: {plain(warning)}" for warning in source.warnings]
    if source.error is not None:
        lines.append(plain(source.error))
    if source.fix is not None:
        lines.append(say("knowledge.report.problem", fix=source.fix))
    if source.original:
        lines.append(f":small[:gray[{say('knowledge.report.library', original=one_line(source.original, 300))}]]")
    st.markdown("  \n".join(lines))


def _name(path: str) -> str:
    """The name of a file, and the whole of an address or of a connector's document."""
    return place(path) if Path(path).is_absolute() else path
