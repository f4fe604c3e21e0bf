"""Why a turn went as it went: what opens below an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from tierwise import DecisionRecord
from tierwise.turns import Attempt
from tierwise_app.render import attempt_figures, looks_of, reason_text, sent, step_text
from tierwise_app.text import clean, duration, money, plural
from tierwise_app.web.answer.markdown import safe_markdown
from tierwise_app.web.answer.reasons import Measure, headline, measures, model_name, phase_name, tier_parts
from tierwise_app.web.words import plain, say

_ICONS = {
    "accepted": ":material/check_circle:",
    "discarded": ":material/undo:",
    "failed": ":material/error:",
    "stopped": ":material/stop_circle:",
    "waiting": ":material/front_hand:",
}


def tier_line(record: DecisionRecord) -> str:
    """The line under an answer, as Markdown: which tier, which model, where, how long, how much."""
    return " · ".join(map(plain, tier_parts(record)))


def draw_why(record: DecisionRecord) -> None:
    """Draw the causes of a turn's outcome with their figures, and what it took."""
    with st.container(gap="small"):
        _draw(record)


def _draw(record: DecisionRecord) -> None:
    said = headline(record)
    st.markdown(f"**{plain(said)}**")
    # What has no figures, and stands in the headline, is not said twice.
    _draw_measures(
        one for one in measures(record.reasons) if one.value is not None or one.text.casefold() not in said.casefold()
    )
    if record.p_good:
        _draw_chances(record)
    _draw_attempts(record)
    _draw_list(say("why.looks"), looks_of(record))
    _draw_list(say("why.tools"), map(step_text, record.tools))
    _draw_list(say("why.notices"), (clean(notice.text) for notice in record.notices))
    _draw_account(record)


def _draw_measures(found: Iterable[Measure]) -> None:
    for one in found:
        if one.value is None or one.line is None:
            st.markdown(f":small[{plain(one.text)}]")
        else:
            st.progress(one.value, text=_against(one.text, one.value, one.line))


def _against(text: str, value: float, line: float) -> str:
    if any(map(str.isdigit, text)):  # it tells the figures itself
        return plain(text)
    return say("why.against", text=text, value=f"{value:.2f}", line=f"{line:.2f}")


def _draw_chances(record: DecisionRecord) -> None:
    _heading(say("why.chances"))
    tiers = dict.fromkeys((*(attempt.tier for attempt in record.attempts), *record.p_good))
    for tier, chance in ((tier, record.p_good[tier]) for tier in tiers if tier in record.p_good):
        text = say("why.chance", tier=tier, chance=f"{chance:.2f}")
        st.progress(min(max(chance, 0.0), 1.0), text=text)


def _draw_attempts(record: DecisionRecord) -> None:
    if not record.attempts:
        return
    _heading(say("why.attempts"))
    for attempt in record.attempts:
        with st.container(border=True, gap="small"):
            _draw_attempt(attempt, main=record.reasons)


def _draw_attempt(attempt: Attempt, main: Sequence[object]) -> None:
    outcome = say(f"why.outcome.{attempt.outcome}")
    name = say("why.attempt", tier=attempt.tier, model=model_name(attempt))
    st.markdown(f"{_ICONS[attempt.outcome]} {name}: {outcome}")
    st.caption(" · ".join(map(plain, attempt_figures(attempt))))
    # What decided on the turn stands above already.
    if own := [reason_text(reason) for reason in attempt.reasons if reason not in main]:
        st.caption(say("why.because", why="; ".join(own)))
    if attempt.error:
        st.markdown(say("why.error", error=attempt.error))
    if attempt.text.strip() and attempt.outcome != "accepted":
        with st.expander(say("why.draft", words=plural(len(attempt.text.split()), "word")), type="compact"):
            st.markdown(safe_markdown(attempt.text))


def _draw_account(record: DecisionRecord) -> None:
    _heading(say("why.account"))
    usage, left = record.usage, sent(record.sent_out)
    estimated = say("why.estimated") if usage.estimated else ""
    lines = [
        plain(left[:1].upper() + left[1:]),
        say("why.cost", money=money(record.cost_usd)),
        say("why.tokens", read=f"{usage.prompt_tokens:,}", written=f"{usage.completion_tokens:,}") + estimated,
    ]
    if "total" in record.ms:
        phases = ", ".join(plain(f"{phase_name(p)} {duration(ms)}") for p, ms in record.ms.items() if p != "total")
        took = say("why.time", total=duration(record.ms["total"]))
        lines.append(f"{took} ({phases})" if phases else took)
    st.markdown("\n".join(f"- {line}" for line in lines))


def _draw_list(heading: str, texts: Iterable[str]) -> None:
    if lines := [f"- {plain(text)}" for text in texts]:
        _heading(heading)
        st.markdown("\n".join(lines))


def _heading(text: str) -> None:
    st.markdown(f"**{text}**")
