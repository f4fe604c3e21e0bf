"""A thread stays on its tier within a task: up at once, down slowly, and for the reasons that are given."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest
from follow_ups import LEANING, MISSED, MISTAKEN, OTHER_TASK, SAME_TASK, STANDING
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import Blocked
from tierwise.models.minilm import MiniLM
from tierwise.routing import Stay, TierState, choose, conversation_features, direction, leans_back, stay, task_above
from tierwise.routing.thread import staying as rule
from tierwise.routing.thread.overruling import check_lock
from tierwise.turns import PastTurn
from tierwise.types import Assessment, Reason, Stage

TIERS = ("quick", "mid", "deep")
STATES = (
    TierState("quick", True, 4096),
    TierState("mid", True, 8192),
    TierState("deep", False, 128_000),
)

LOCAL = PastTurn("l", "Is it open on Sunday?", "done", "auto", "quick", "post", "p_good")
DRAFT_DOUBTED = PastTurn("p", "Prove it for odd primes.", "done", "auto", "deep", "post", "p_good")
PREDICTED = replace(DRAFT_DOUBTED, stage="pre")
ESCALATED = PastTurn("e", "Prove it.", "done", "deep", "deep", "manual", "requested", overrule="escalate")
STAYED = PastTurn("s", "And for even ones?", "done", "auto", "deep", "policy", "stays")
ONE_OFF = PastTurn("o", "Prove it.", "done", "deep", "deep", "manual", "requested")
FALLEN_BACK = replace(DRAFT_DOUBTED, stage="fallback", cause="tier_failed")
TOO_LONG = replace(DRAFT_DOUBTED, stage="policy", cause="context_window")
SENT_BACK = PastTurn("b", "Prove it.", "done", "quick", "quick", "manual", "requested", overrule="local")
FAILED = replace(LOCAL, status="failed", final=None)


def begins_on(turns: list[PastTurn], *, leans: bool = True, likeness: float | None = None) -> str:
    held = stay(task_above(turns, TIERS), likeness, leans=leans)
    return choose(STATES, stay=held).tier


# -- the wording -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", LEANING)
def test_it_leans_on_what_was_said_before(message: str) -> None:
    assert leans_back(message)


@pytest.mark.parametrize("message", [*STANDING, *sorted({q for pair in SAME_TASK + OTHER_TASK for q in pair})])
def test_it_stands_by_itself(message: str) -> None:
    assert not leans_back(message)


def test_what_the_rule_gets_wrong_is_known() -> None:
    assert [m for m in MISSED if leans_back(m)] == []
    assert [m for m in MISTAKEN if not leans_back(m)] == []


@pytest.mark.parametrize("message", ["", " ", "?", "...", "\x00", "\u200b", "🙂", "a" * 10_000, "it " * 5000])
def test_odd_messages_stand_by_themselves(message: str) -> None:
    assert not leans_back(message)


@given(st.text(alphabet=string.printable))
def test_any_text_is_judged(message: str) -> None:
    assert leans_back(message) in (True, False)


@given(st.sampled_from(LEANING), st.sampled_from(["", " ", "!", "?", " ...", " please"]))
def test_case_and_marks_change_nothing(message: str, end: str) -> None:
    bare = message.rstrip("?.! ")
    assert leans_back(bare + end) == leans_back(bare.upper() + end) == leans_back(bare)


def test_the_threshold_tells_the_same_task_from_another_one() -> None:
    model = MiniLM()

    def nearness(pairs: list[tuple[str, str]]) -> list[float]:
        return [float(np.dot(*model.embed([earlier, later]))) for earlier, later in pairs]

    same, other = nearness(SAME_TASK), nearness(OTHER_TASK)
    assert sum(cosine >= rule.SAME_TASK for cosine in same) >= 16
    assert max(other) < rule.SAME_TASK - 0.05


# -- the conversation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evidence", [DRAFT_DOUBTED, PREDICTED, ESCALATED])
def test_a_follow_up_begins_where_evidence_led_before_it(evidence: PastTurn) -> None:
    assert begins_on([LOCAL, evidence]) == "deep"
    assert begins_on([evidence], leans=False, likeness=0.8) == "deep"


@pytest.mark.parametrize("last", [LOCAL, ONE_OFF, FALLEN_BACK, TOO_LONG, SENT_BACK])
def test_what_is_no_evidence_gives_no_stay(last: PastTurn) -> None:
    assert begins_on([last]) == "quick"
    assert begins_on([DRAFT_DOUBTED, last]) == "quick"


def test_another_task_drafts_at_once() -> None:
    assert begins_on([DRAFT_DOUBTED], leans=False, likeness=0.2) == "quick"
    assert begins_on([DRAFT_DOUBTED], leans=False, likeness=None) == "quick"
    assert begins_on([]) == "quick"


def test_after_some_follow_ups_the_cheapest_tier_tries_again() -> None:
    turns = [DRAFT_DOUBTED]
    tiers = []
    for _ in range(5):
        tiers.append(begins_on(turns))
        turns.append(STAYED if tiers[-1] == "deep" else LOCAL)
    assert tiers == ["deep", "deep", "deep", "quick", "quick"]


def test_new_evidence_begins_the_count_anew() -> None:
    assert begins_on([DRAFT_DOUBTED, STAYED, STAYED, STAYED]) == "quick"
    assert begins_on([DRAFT_DOUBTED, STAYED, STAYED, STAYED, DRAFT_DOUBTED]) == "deep"


def test_turns_without_an_answer_are_passed_over() -> None:
    assert begins_on([DRAFT_DOUBTED, FAILED]) == "deep"
    assert begins_on([DRAFT_DOUBTED, replace(STAYED, status="stopped"), FAILED]) == "deep"
    assert task_above([FAILED], TIERS) is None


def test_the_task_is_all_its_questions() -> None:
    task = task_above([LOCAL, DRAFT_DOUBTED, STAYED], TIERS)
    assert task == rule.Task("deep", 1, ("Prove it for odd primes.", "And for even ones?"))


def test_a_tier_that_is_not_configured_any_more_is_forgotten() -> None:
    assert task_above([replace(DRAFT_DOUBTED, final="huge")], TIERS) is None
    assert task_above([replace(DRAFT_DOUBTED, final="huge"), STAYED], TIERS) is None
    assert task_above([replace(DRAFT_DOUBTED, final="mid"), STAYED], TIERS) is None


# -- the choice --------------------------------------------------------------------------------------------------------

HELD = Stay("deep", (Reason("stays", "x", 0.0, 3.0), Reason("same_task", "x", 1.0, 0.55)))


def test_the_choice_says_why_it_stays() -> None:
    choice = choose(STATES, stay=HELD)
    assert (choice.tier, choice.stage, choice.reasons) == ("deep", "policy", HELD.reasons)


@pytest.mark.parametrize("rules", [{"locked": True}, {"offline": True}, {"adapter": True}])
def test_a_stay_goes_through_the_hard_rules(rules: dict[str, bool]) -> None:
    states = tuple(replace(state, adapters=state.name != "deep") for state in STATES)
    assert choose(states, stay=HELD, **rules).tier == "quick"  # type: ignore[arg-type]


def test_a_stay_on_a_tier_that_is_down_or_too_narrow_or_gone_is_the_usual_choice() -> None:
    assert choose((*STATES[:2], replace(STATES[2], down="no connection")), stay=HELD).tier == "quick"
    narrow = (replace(STATES[0], context_window=10_000), *STATES[1:])
    assert choose(narrow, stay=replace(HELD, tier="mid"), prompt_tokens=9_000).tier == "quick"
    assert choose(STATES, stay=replace(HELD, tier="huge")).tier == "quick"


def test_the_users_word_wins() -> None:
    for asked in ("quick", "mid"):
        choice = choose(STATES, requested=asked, stay=HELD)
        assert (choice.tier, choice.stage) == (asked, "manual")


def test_evidence_is_never_slowed() -> None:
    sure_to_fail = Assessment({"quick": 0.1, "deep": 0.95})
    choice = choose(STATES, assessment=sure_to_fail, stay=replace(HELD, tier="mid"))
    assert (choice.tier, choice.stage) == ("deep", "pre")


def test_a_stay_that_changes_nothing_is_no_reason() -> None:
    narrow = (replace(STATES[0], context_window=100), replace(STATES[1], context_window=100), STATES[2])
    choice = choose(narrow, prompt_tokens=500, stay=HELD)
    assert (choice.tier, {reason.code for reason in choice.reasons}) == ("deep", {"context_window"})


_turns = st.builds(
    PastTurn,
    st.just("t"),
    st.sampled_from(["Prove it.", "Why?"]),
    st.sampled_from(["done", "stopped", "failed"]),
    st.sampled_from(["auto", "deep"]),
    st.sampled_from([None, *TIERS]),
    st.sampled_from(["pre", "post", "manual", "policy", "fallback"]),
    st.sampled_from(["stays", "p_good", None]),
    st.booleans(),
    st.sampled_from([None, None, "escalate", "local"]),
)
# Histories that do stay are rare among all there are.
_histories = st.one_of(
    st.lists(_turns, max_size=6),
    st.tuples(
        st.sampled_from([DRAFT_DOUBTED, PREDICTED, ESCALATED]), st.lists(st.just(STAYED), max_size=rule.STAY_TURNS + 1)
    ).map(lambda parts: [parts[0], *parts[1]]),
)


@given(
    _histories,
    st.one_of(st.none(), st.floats(-1, 1)),
    st.booleans(),
    st.fixed_dictionaries(
        {"locked": st.booleans(), "offline": st.booleans(), "prompt_tokens": st.sampled_from([0, 5000])}
    ),
)
def test_each_reason_of_a_stay_is_a_true_cause(
    turns: list[PastTurn], likeness: float | None, leans: bool, rules: dict[str, bool]
) -> None:
    def chosen(turns: list[PastTurn], likeness: float | None, leans: bool) -> tuple[str, Stage]:
        choice = choose(STATES, stay=stay(task_above(turns, TIERS), likeness, leans=leans), **rules)  # type: ignore[arg-type]
        return choice.tier, choice.stage

    held = stay(task_above(turns, TIERS), likeness, leans=leans)
    choice = choose(STATES, stay=held, **rules)  # type: ignore[arg-type]
    if held is None or choice.reasons != held.reasons:
        return
    assert STATES[TIERS.index(choice.tier)].on_device or not (rules["locked"] or rules["offline"])
    stays, same = choice.reasons
    assert (stays.code, same.code) == ("stays", "same_task")
    assert stays.value is not None and stays.threshold is not None
    assert same.value is not None and same.threshold is not None
    now = (choice.tier, choice.stage)
    # As many more follow-ups as bring the value to its threshold.
    more = int(stays.threshold - stays.value)
    assert more > 0
    further = replace(STAYED, final=choice.tier)
    assert chosen([*turns, *[further] * more], likeness, leans) != now
    assert chosen([*turns, *[further] * (more - 1)], likeness, leans) == now
    # A question as far from the task as just does not do.
    assert same.value >= same.threshold
    assert chosen(turns, float(np.nextafter(same.threshold, -1)), False) != now
    assert chosen(turns, same.threshold, False) == now


# -- features and overrules --------------------------------------------------------------------------------------------


def test_features_of_the_conversation() -> None:
    assert conversation_features("Why?", [], TIERS) == {}
    assert conversation_features("Why?", [LOCAL], TIERS) == {"previous_above": 0.0, "retry": 0.0, "overrules": 0.0}
    turns = [SENT_BACK, DRAFT_DOUBTED, STAYED]
    assert conversation_features("and for even  ones", turns, TIERS, likeness=0.7) == {
        "previous_above": 1.0,
        "retry": 1.0,  # the same words but for case and marks
        "overrules": 1.0,
        "turns_since_escalation": 1.0,
        "likeness": 0.7,
    }
    assert conversation_features("Something like it", turns, TIERS, likeness=0.96)["retry"] == 1.0
    assert conversation_features("Something like it", turns, TIERS, likeness=0.9)["retry"] == 0.0


@pytest.mark.parametrize(
    ("answered", "by", "way"),
    [
        ("quick", "deep", "escalate"),
        ("quick", "mid", "escalate"),
        ("deep", "quick", "local"),
        ("mid", "mid", None),
        ("mid", None, None),
        ("huge", "quick", None),
    ],
)
def test_which_way_an_overrule_goes(answered: str, by: str | None, way: str | None) -> None:
    assert direction(TIERS, answered, by) == way


def test_the_same_tier_overrules_itself_only_if_it_was_asked_to() -> None:
    assert direction(TIERS, "mid", "mid") is None
    assert direction(TIERS, "mid", "mid", anew=True) == "again"
    assert direction(TIERS, None, "mid", anew=True) == "again"
    assert direction(TIERS, "mid", "deep", anew=True) == "escalate"
    assert direction(TIERS, "mid", "deep", edited=True) == "edit"
    assert direction(TIERS, "mid", None, edited=True) is None


def test_a_locked_answer_is_not_overruled_off_the_device() -> None:
    check_lock(STATES[1], turn_locked=True)
    with pytest.raises(Blocked, match="locked to this device, and deep is not on it"):
        check_lock(STATES[2], turn_locked=True)
