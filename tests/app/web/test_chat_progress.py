"""The phases of a running turn, told from its events."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tierwise import Reason, Verdict
from tierwise import events as ev
from tierwise_app.web.chat.live import phase_text
from tierwise_app.web.chat.progress import Progress


def told(*events: Any) -> Progress:
    progress = Progress()
    progress.take(events)
    return progress


def e(kind: type, **fields: Any) -> Any:
    return kind(turn_id="t", seq=1, **fields)


STARTED = e(ev.TurnStarted, thread="t", asked="?", locked=False, offline=False)
FOUND = e(ev.PassagesFound, passages=(), ms=1.0)
CHOSEN = e(ev.TierChosen, tier="quick", stage="post", reasons=(Reason("x", "Cheapest first."),), p_good={})
FIRST = e(ev.AttemptStarted, attempt=1, tier="quick", model="m")
SECOND = e(ev.AttemptStarted, attempt=2, tier="deep", model="m")
UP = e(ev.TierEscalated, from_tier="quick", to_tier="deep", reasons=(Reason("x", "Too unsure."),))


def delta(attempt: int, text: str) -> Any:
    return e(ev.TextDelta, attempt=attempt, text=text)


def test_phases_are_named_as_they_are() -> None:
    progress = told(STARTED, FOUND, CHOSEN, FIRST, e(ev.PromptProgress, attempt=1, done=50, total=200))
    assert [(p.key, p.state) for p in progress.phases] == [
        ("search", "complete"), ("choose", "complete"), ("read", "running"),
    ]  # fmt: skip
    assert progress.now is not None
    assert progress.now.share == 0.25
    assert phase_text(progress.now) == "quick is reading: 50 of 200 tokens"
    progress.take([delta(1, "Hello"), e(ev.DraftVerified, attempt=1, verdict=Verdict("escalate", 0.3)), UP, SECOND])
    assert [p.key for p in progress.phases[3:]] == ["write", "check", "escalate", "read"]
    assert phase_text(progress.phases[4]) == "Checked: not good enough (0.30)"


def test_a_message_that_waits_for_its_thread_has_not_begun_to_search() -> None:
    progress = told(STARTED, e(ev.TurnQueued, ahead=2), e(ev.TurnQueued, ahead=1))
    assert [phase_text(p) for p in progress.phases] == ["This thread is being answered: 1 before you"]
    progress.take([e(ev.TurnQueued, ahead=1, seconds=9.6)])
    assert [phase_text(p) for p in progress.phases] == ["This thread is being answered: 1 before you, about 10 s"]
    progress.take([FOUND, CHOSEN])
    assert [(p.key, p.state) for p in progress.phases] == [
        ("line", "complete"), ("search", "complete"), ("choose", "running"),
    ]  # fmt: skip


def test_a_draft_stands_until_the_larger_tier_speaks_and_texts_are_never_spliced() -> None:
    progress = told(STARTED, FOUND, CHOSEN, FIRST, delta(1, "Draft."), UP, SECOND)
    assert (progress.text, progress.writer, progress.tier) == ("Draft.", "quick", "deep")
    progress.take([e(ev.AttemptDiscarded, attempt=1, why="deep answers instead"), delta(2, "Better")])
    assert (progress.text, progress.writer) == ("Better", "deep")
    assert [(r.tier, r.text) for r in progress.replaced] == [("quick", "Draft.")]


def test_tools_are_shown_with_what_they_gave() -> None:
    progress = told(
        STARTED, FOUND, CHOSEN, FIRST,
        e(ev.ToolRequested, attempt=1, call_id="a", name="clock", arguments={"zone": "UTC"}),
        e(ev.ToolRequested, attempt=1, call_id="b", name="clock", arguments={}),
        e(ev.ToolFinished, attempt=1, call_id="b", name="clock", ok=False, result="no such zone", ms=1.0),
        e(ev.ToolFinished, attempt=1, call_id="a", name="clock", ok=True, result="12:00", ms=1.0),
    )  # fmt: skip
    tools = [(p.state, p.values["said"]) for p in progress.phases if p.key == "tool"]
    assert tools == [("complete", "12:00"), ("error", "no such zone")]


_EVENTS = st.lists(
    st.one_of(
        st.sampled_from([STARTED, FOUND, CHOSEN, FIRST, SECOND, UP]),
        st.builds(delta, st.integers(1, 2), st.text(max_size=5)),
        st.builds(lambda n: e(ev.AttemptDiscarded, attempt=n, why=""), st.integers(1, 2)),
        st.builds(lambda d, t: e(ev.PromptProgress, attempt=1, done=d, total=t), st.integers(0, 9), st.integers(0, 9)),
        st.builds(lambda i: e(ev.ToolRequested, attempt=1, call_id=i, name="x", arguments={}), st.sampled_from("ab")),
        st.builds(
            lambda i: e(ev.ToolFinished, attempt=1, call_id=i, name="x", ok=True, result="", ms=0.0),
            st.sampled_from("ab"),
        ),
        st.builds(lambda o: e(ev.DraftVerified, attempt=1, verdict=Verdict(o)), st.sampled_from(["accept", "look"])),
    ),
    max_size=30,
)


@given(_EVENTS, st.integers(0, 30))
def test_it_makes_no_difference_how_often_one_looks(events: list[Any], cut: int) -> None:
    once, twice = told(*events), told(*events[:cut])
    twice.take(events[cut:])
    assert (once.phases, once.text, once.replaced) == (twice.phases, twice.text, twice.replaced)
    assert all(phase_text(phase) for phase in once.phases)
    assert once.taken == len(events)
