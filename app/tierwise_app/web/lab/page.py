"""The page as a whole."""

from __future__ import annotations

import streamlit as st

from tierwise.routing import Replay
from tierwise.types import Wish
from tierwise.wish import WORDS
from tierwise_app.text import money
from tierwise_app.web.desk import desk
from tierwise_app.web.insights.history import choose_period
from tierwise_app.web.lab.calibrating import draw_calibration
from tierwise_app.web.lab.changes import draw_changes
from tierwise_app.web.lab.chart import draw_curve
from tierwise_app.web.lab.setting import choose_wish, draw_use, wish_words
from tierwise_app.web.lab.trying import Tried, calibration_in_force, curve_of, try_setting
from tierwise_app.web.words import plain, raw, say

_FEW = 20  # turns below which a curve is mostly chance


def draw() -> None:
    """Draw the page."""
    st.title(say("app.pages.lab"))
    st.markdown(say("lab.lead"))
    if len(desk().copilot.tiers) < 2:
        with st.container(border=True):
            st.markdown(say("lab.one_tier", tier=desk().copilot.tiers[0].name))
            st.page_link("app_pages/models.py", label=say("lab.add_tier"), icon=":material/layers:")
        return
    judged = calibration_in_force()
    calibration = judged.used
    start = choose_period("lab-period")
    wish = choose_wish()
    with st.spinner(say("lab.reading"), show_time=False):
        tried = try_setting(wish, start, calibration)
    if tried.replay.turns:
        _draw_tried(wish, tried, calibrated=calibration is not None)
        points, words = curve_of(start, calibration)
        marks = {wish_words(word): words[word] for word in WORDS if word in words}
        present = desk().settings.dial
        if tried.at is not None:
            marks[wish_words(wish)] = tried.at
        if isinstance(present, float) and (at := try_setting(present, start, calibration).at) is not None:
            marks[wish_words(present)] = at
        st.subheader(say("lab.curve.title"))
        draw_curve(points, marks, wish_words(present), wish_words(wish))
        draw_changes(tried.replay, start)
    else:
        st.info(say("lab.empty", tier=desk().copilot.tiers[0].name), icon=":material/hourglass_empty:")
    _draw_left_out(tried.replay)
    draw_calibration(judged, start)


def _draw_tried(wish: Wish, tried: Tried, *, calibrated: bool) -> None:
    found = tried.replay
    with st.container(border=True):
        st.markdown(in_words(wish, found))
        with st.container(horizontal=True):
            change = found.escalations_now - found.escalations_then
            st.metric(say("lab.now.up"), f"{found.escalations_now:,}", change, delta_color="off",
                      help=say("lab.now.up_help"))  # fmt: skip
            local_then, local_now = found.local_share_then or 0.0, found.local_share_now or 0.0
            moved = round(100 * (local_now - local_then))
            st.metric(say("lab.now.local"), f"{local_now:.0%}", raw("lab.now.points", n=f"{moved:+d}") if moved else 0,
                      delta_color="off", help=say("lab.now.local_help"))  # fmt: skip
            _draw_cost(found)
        facts = [say("lab.basis", n=f"{found.turns:,}")]
        if tried.threshold is not None:
            facts.append(say("lab.line", p=f"{tried.threshold:.0%}"))
        facts.append(say("lab.by_calibration" if calibrated else "lab.by_evidence"))
        if found.failed_checks:
            facts.append(say("lab.plain_failures", n=f"{found.failed_checks:,}"))
        if found.turns < _FEW:
            facts.append(say("lab.few"))
        st.caption(" ".join(facts))
        draw_use(wish, calibrated=calibrated)


def _draw_cost(found: Replay) -> None:
    usd = found.usd_now
    known = raw("lab.now.unknown") if usd is None else money(usd)
    st.metric(say("lab.now.cost"), known, help=say("lab.now.cost_unknown" if usd is None else "lab.now.cost_help"))


def in_words(wish: Wish, found: Replay) -> str:
    """What a setting would have changed, in a few sentences of Streamlit's Markdown."""
    change = found.escalations_now - found.escalations_then
    if not found.more and not found.fewer:
        return say("lab.said.same", setting=_name(wish), n=f"{found.escalations_now:,}")
    key = "same_number" if not change else "fewer" if change < 0 else "more"
    if abs(change) == 1:
        key += "_one"
    said = [
        say(f"lab.said.{key}", setting=_name(wish), n=f"{abs(change):,}", now=f"{found.escalations_now:,}",
            then=f"{found.escalations_then:,}") + _money(found)
    ]  # fmt: skip
    if found.fewer:
        said.append(_disliked("fewer", len(found.fewer), found.disliked_fewer))
    if found.more:
        said.append(_disliked("more", len(found.more), found.disliked_more))
    return " ".join(said)


def _disliked(kind: str, turns: int, disliked: int) -> str:
    one = "_one" if turns == 1 else ""
    return say(f"lab.said.{kind}_turns{one}", n=f"{turns:,}", disliked=f"{disliked:,}" if disliked else say("lab.none"))


def _money(found: Replay) -> str:
    if found.usd_now is None or found.usd_then is None:
        return say("lab.said.price_unknown")
    saved = found.usd_then - found.usd_now
    if abs(saved) < 1e-9:
        return say("lab.said.same_cost")
    return say("lab.said.less" if saved > 0 else "lab.said.dearer", usd=money(abs(saved)))


def _name(wish: Wish) -> str:
    return f"{wish:.0%}" if isinstance(wish, float) else raw(f"lab.setting.{wish}")


def _draw_left_out(found: Replay) -> None:
    if not found.skipped:
        return
    total = sum(found.skipped.values())
    with st.expander(say("lab.left_out.title", n=f"{total:,}"), icon=":material/filter_alt:"):
        cheapest = desk().copilot.tiers[0].name
        for why, n in sorted(found.skipped.items(), key=lambda item: (-item[1], item[0])):
            st.markdown(f"- {plain(f'{n:,}')}: {say(f'lab.left_out.{why}', tier=cheapest)}")
