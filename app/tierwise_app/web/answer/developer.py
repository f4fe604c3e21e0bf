"""The developer card: everything the decision record of a turn knows, in tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import streamlit as st

from tierwise import DecisionRecord, Settings
from tierwise.turns import Attempt, FoundPassage
from tierwise.wish import wish_text
from tierwise_app.render import sent
from tierwise_app.text import clean, duration, money, place, when
from tierwise_app.web.answer.reasons import phase_name
from tierwise_app.web.answer.report import bug_report
from tierwise_app.web.words import plain, raw, say

_PARTS = ("system", "earlier", "passages", "draft", "question", "form", "steps", "tools")
_ID = 12  # characters of a passage's id
Rows = Sequence[Sequence[object]]


def draw_card(record: DecisionRecord, settings: Settings) -> None:
    """Draw the card of a turn, and offer it as a report to copy.

    Args:
        record: the turn.
        settings: the configuration in force; the report tells of it what is not secret.
    """
    st.table(
        {say(f"developer.id.{name}"): plain(text) for name, text in _ids(record)},
        border="horizontal",
        alt=raw("developer.ids"),
    )
    _table("scores", list(_scores(record)))
    _draw_features(record)
    _draw_retrieval(record)
    _draw_prompts(record)
    _table("offered", list(_tools(record)))
    if record.attempts:
        _heading("attempts")
        _draw_columns("attempts", _attempts(record.attempts), record.attempts)
    _table("phases", [(phase, duration(ms)) for phase, ms in _phases(record)])
    st.markdown(say("developer.cost", cost=money(record.cost_usd), sent=sent(record.sent_out)))
    _draw_report(record, settings)


def _ids(record: DecisionRecord) -> Iterator[tuple[str, str]]:
    yield "turn", record.turn_id
    yield "thread", record.thread
    yield "created", when(record.created)
    yield "status", record.status + (f" ({record.stage})" if record.stage else "")
    wishes = [record.requested_tier, wish_text(record.dial)]
    wishes += ["locked"] * record.locked + ["offline"] * record.offline + ["tainted"] * record.tainted
    yield "wish", ", ".join(wishes)
    nothing = raw("developer.nothing")
    yield "tiers", f"{record.chosen or nothing} → {record.final or nothing}"
    if record.calibration:
        yield "calibration", record.calibration
    if record.overrules:
        yield "overrules", record.overrules
    if record.overruled:
        yield "overruled", record.overruled
    if record.feedback:
        yield "feedback", record.feedback


def _scores(record: DecisionRecord) -> Iterator[tuple[object, ...]]:
    of_attempts = [(attempt.tier, reason) for attempt in record.attempts for reason in attempt.reasons]
    told = {reason for _, reason in of_attempts}
    for where, reason in [("", r) for r in record.reasons if r not in told] + of_attempts:
        words = f"{clean(reason.text).rstrip('.')} ({reason.code})"
        yield f"{where}: {words}" if where else words, _figure(reason.value), _figure(reason.threshold)
    for tier, chance in record.p_good.items():
        yield raw("developer.last_known", tier=tier), _figure(chance), raw("developer.nothing")


def _draw_features(record: DecisionRecord) -> None:
    if record.features:
        rows = [(name, _figure(value)) for name, value in sorted(record.features.items())]
        with st.expander(say("developer.features", count=len(rows))):
            _draw_rows("features", rows)


def _draw_retrieval(record: DecisionRecord) -> None:
    found = record.retrieval
    if found is None:
        return
    _heading("retrieval")
    floor = raw("developer.no_floor") if found.floor is None else _figure(found.floor)
    kept = sum(one.kept for one in found.found)
    st.caption(
        say(
            "developer.searched",
            query=found.query,
            k=found.k,
            floor=floor,
            ms=duration(found.ms),
            kept=kept,
            dropped=len(found.found) - kept,
        )
    )
    if found.found:
        rows = [
            (f"{place(one.source, one.page)} · {one.id[:_ID]}", f"{one.score:.3f}", _fate(one)) for one in found.found
        ]
        _draw_rows("retrieval", rows)


def _fate(one: FoundPassage) -> str:
    return raw("developer.kept") if one.kept else raw("developer.dropped", why=one.why or "")


def _draw_prompts(record: DecisionRecord) -> None:
    """A column for each attempt that came to a prompt, with its parts in tokens."""
    attempts = [attempt for attempt in record.attempts if attempt.prompt]
    if not attempts:
        return
    _heading("prompt")
    parts = [part for part in _PARTS if any(part in attempt.prompt for attempt in attempts)]
    rows = [[raw(f"developer.parts.{part}"), *(_tokens_of(a.prompt, part) for a in attempts)] for part in parts]
    rows.append([raw("developer.parts.all"), *(f"{prompt_tokens(a):,}" for a in attempts)])
    rows.append([raw("developer.parts.window"), *(_tokens_of(a.prompt, "window") for a in attempts)])
    rows.append([raw("developer.parts.share"), *(f"{prompt_tokens(a) / a.prompt['window']:.1%}" for a in attempts)])
    _draw_columns("prompt", rows, attempts)


def prompt_tokens(attempt: Attempt) -> int:
    """Tokens of an attempt's last prompt, as counted before it was sent."""
    return sum(size for part, size in attempt.prompt.items() if part != "window")


def _tokens_of(prompt: Mapping[str, int], part: str) -> str:
    return f"{prompt[part]:,}" if part in prompt else raw("developer.nothing")


def _tools(record: DecisionRecord) -> Iterator[tuple[object, ...]]:
    """Tools that could be used, told to a model, and run; one that was run and not offered comes last."""
    ran = Counter(step.name for step in record.tools)
    offered = {one.name: one for one in record.offered}
    for name in dict.fromkeys((*offered, *ran)):
        one = offered.get(name)
        near = raw("developer.nothing") if one is None or one.similarity is None else f"{one.similarity:.3f}"
        told = "" if one is None else ", ".join(one.tiers)
        steps = [step for step in record.tools if step.name == name]
        outcomes = ", ".join(f"{step.outcome} {duration(step.ms)}" for step in steps)
        yield name, near, told or raw("developer.not_told"), outcomes or raw("developer.not_run")


def _attempts(attempts: Sequence[Attempt]) -> list[list[str]]:
    """A column for each attempt."""
    rows = [
        ["model", *(clean(one.model_requested) for one in attempts)],
        ["served", *(clean(one.model_served) for one in attempts)],
        ["outcome", *(one.outcome for one in attempts)],
        ["read", *(f"{one.usage.prompt_tokens:,}" for one in attempts)],
        ["cached", *(f"{one.usage.cached_tokens:,}" for one in attempts)],
        ["written", *(f"{one.usage.completion_tokens:,}" for one in attempts)],
        ["counted", *(raw(f"developer.counts.{'we' if one.usage.estimated else 'model'}") for one in attempts)],
        [
            "first",
            *(
                raw("developer.nothing") if one.first_token_ms is None else duration(one.first_token_ms)
                for one in attempts
            ),
        ],
        ["time", *(duration(one.ms) for one in attempts)],
        ["money", *(money(one.cost_usd) for one in attempts)],
        [
            "work",
            *(
                ", ".join(f"{name} {count:,}" for name, count in one.work.items()) or raw("developer.nothing")
                for one in attempts
            ),
        ],
    ]
    return [[raw(f"developer.row.{name}"), *cells] for name, *cells in rows]


def _phases(record: DecisionRecord) -> list[tuple[str, float]]:
    named = [(phase_name(phase), ms) for phase, ms in record.ms.items() if phase != "total"]
    return [*named, (raw("developer.total"), record.ms["total"])] if "total" in record.ms else named


@st.fragment
def _draw_report(record: DecisionRecord, settings: Settings) -> None:
    """A fragment: asking for the report draws nothing else anew. A locked turn's texts are in none."""
    key = f"report-{record.turn_id}"
    with st.container(horizontal=True):
        if st.button(say("developer.report"), key=key, icon=":material/bug_report:", help=say("developer.report_help")):
            st.session_state[f"{key}-with"] = False
        if not record.locked and st.button(
            say("developer.report_texts"), key=f"{key}-texts", help=say("developer.report_texts_help")
        ):
            st.session_state[f"{key}-with"] = True
    texts = st.session_state.get(f"{key}-with")
    if texts is None:
        return
    st.caption(say("developer.with_texts" if texts and not record.locked else "developer.without_texts"))
    st.code(bug_report(record, settings, texts=texts), language="markdown", wrap_lines=True, height=320)


def _table(name: str, rows: Rows) -> None:
    if rows:
        _heading(name)
        _draw_rows(name, rows)


def _draw_rows(name: str, rows: Rows) -> None:
    heads = raw(f"developer.heads.{name}").split(" | ")
    columns = {plain(head): [plain(str(row[n])) or " " for row in rows] for n, head in enumerate(heads)}
    st.table(columns, hide_index=True, border="horizontal", alt=raw(f"developer.table.{name}"))


def _draw_columns(name: str, rows: Rows, attempts: Sequence[Attempt]) -> None:
    """A table with a row for each fact and a column for each attempt: it stays narrow."""
    heads = [raw("developer.part"), *(f"{attempt.n} {attempt.tier}" for attempt in attempts)]
    columns = {plain(head): [plain(str(row[n])) for row in rows] for n, head in enumerate(heads)}
    st.table(columns, hide_index=True, border="horizontal", alt=raw(f"developer.table.{name}"))


def _heading(name: str) -> None:
    st.markdown(f"**{say(f'developer.table.{name}')}**")


def _figure(value: float | None) -> str:
    return raw("developer.nothing") if value is None else f"{value:.4g}"
