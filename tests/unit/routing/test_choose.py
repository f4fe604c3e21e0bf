"""The choice of a tier: hard rules, true reasons, and a lock that nothing gets around."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.errors import Blocked, ContextTooLong, ModelError, TierwiseError, UnknownName
from tierwise.routing import TierState, choose, escalation
from tierwise.types import Assessment, Choice, Dial

QUICK = TierState("quick", True, 4096)
DEEP = TierState("deep", False, 128_000)
TIERS = (QUICK, DEEP)


def test_without_a_prediction_the_cheapest_tier_drafts() -> None:
    choice = choose(TIERS)
    assert (choice.tier, choice.stage) == ("quick", "post")


@pytest.mark.parametrize(("asked", "chosen"), [("deep", "deep"), ("quick", "quick")])
def test_a_tier_that_is_asked_for_is_taken(asked: str, chosen: str) -> None:
    choice = choose(TIERS, requested=asked)
    assert (choice.tier, choice.stage, choice.reasons[0].code) == (chosen, "manual", "requested")


def test_quick_and_deep_mean_the_first_and_the_last_tier_unless_a_tier_has_that_name() -> None:
    tiers = (TierState("mini", True, 4096), TierState("mid", True, 4096), TierState("big", False, 4096))
    assert choose(tiers, requested="quick").tier == "mini"
    assert choose(tiers, requested="deep").tier == "big"
    assert choose((replace(DEEP, name="quick"), replace(QUICK, name="deep")), requested="deep").tier == "deep"


def test_an_unknown_tier_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownName, match=r"auto, quick, deep"):
        choose(TIERS, requested="huge")


@pytest.mark.parametrize("rule", ["locked", "offline"])
def test_a_tier_asked_for_against_a_lock_is_blocked_and_told_why(rule: str) -> None:
    with pytest.raises(Blocked, match=r"deep is not on this device.*quick") as caught:
        choose(TIERS, requested="deep", **{rule: True})  # type: ignore[arg-type]
    assert ("locked" if rule == "locked" else "offline") in caught.value.what


def test_a_prompt_too_long_for_the_first_tier_goes_up_with_both_figures() -> None:
    choice = choose(TIERS, prompt_tokens=5000)
    assert (choice.tier, choice.stage) == ("deep", "policy")
    assert choice.reasons[0].code == "context_window"
    assert choice.reasons[0].threshold == 4096


def test_a_tier_that_is_down_is_passed_over() -> None:
    choice = choose((replace(QUICK, down="its process died."), DEEP))
    assert (choice.tier, choice.stage, choice.reasons[0].code) == ("deep", "fallback", "tier_down")
    assert "its process died." in choice.reasons[0].text


def test_a_tier_asked_for_that_is_down_is_replaced_by_the_next_better_one_then_by_the_cheaper() -> None:
    three = (QUICK, replace(DEEP, name="mid", down="no connection"), DEEP)
    assert choose(three, requested="mid").tier == "deep"
    assert choose((QUICK, replace(DEEP, down="no connection")), requested="deep").tier == "quick"


def test_a_locked_long_prompt_is_blocked_not_sent() -> None:
    with pytest.raises(Blocked, match="4,096"):
        choose(TIERS, prompt_tokens=5000, locked=True)


def test_a_prompt_too_long_for_every_tier() -> None:
    with pytest.raises(ContextTooLong, match="128,000"):
        choose(TIERS, prompt_tokens=200_000)


def test_when_every_tier_is_down_each_cause_is_named() -> None:
    with pytest.raises(ModelError, match=r"out of memory.*no connection"):
        choose((replace(QUICK, down="out of memory"), replace(DEEP, down="no connection")))


@pytest.mark.parametrize(
    ("p_quick", "p_deep", "dial", "tier", "stage"),
    [
        (0.9, 0.99, "quality", "quick", "pre"),  # sure to succeed
        (0.1, 0.9, "balanced", "deep", "pre"),  # sure to fail, much to gain
        (0.1, 0.15, "quality", "quick", "post"),  # nobody can answer it
        (0.6, 0.95, "balanced", "quick", "post"),  # not a sure end
        (0.3, 0.7, "economy", "quick", "post"),  # the gain is not worth it to this user
        (0.3, 0.7, "balanced", "deep", "pre"),
    ],
)
def test_a_prediction_acts_only_at_its_sure_ends(
    p_quick: float, p_deep: float, dial: Dial, tier: str, stage: str
) -> None:
    choice = choose(TIERS, assessment=Assessment({"quick": p_quick, "deep": p_deep}), dial=dial)
    assert (choice.tier, choice.stage) == (tier, stage)


def test_a_chance_for_one_tier_only_decides_nothing_upwards() -> None:
    assert choose(TIERS, assessment=Assessment({"quick": 0.05})).stage == "post"


def test_escalation_goes_to_the_next_tier_that_may() -> None:
    three = (QUICK, replace(DEEP, name="mid", down="no connection"), DEEP)
    assert escalation(three, "quick") == ("deep", None)


@pytest.mark.parametrize(
    ("tiers", "current", "rules", "code"),
    [
        (TIERS, "quick", {"locked": True}, "lock"),
        (TIERS, "quick", {"offline": True}, "offline"),
        (TIERS, "quick", {"prompt_tokens": 200_000}, "context_window"),
        ((QUICK, replace(DEEP, down="no connection")), "quick", {}, "tier_down"),
        (TIERS, "deep", {}, "top_tier"),
        ((QUICK,), "quick", {}, "no_higher_tier"),
    ],
)
def test_a_refused_escalation_says_why(
    tiers: tuple[TierState, ...], current: str, rules: dict[str, int], code: str
) -> None:
    name, reason = escalation(tiers, current, **rules)  # type: ignore[arg-type]
    assert name is None
    assert reason is not None and reason.code == code


# -- properties --------------------------------------------------------------------------------------------------------

_states = st.builds(
    TierState,
    st.just(""),
    st.booleans(),
    st.sampled_from([100, 1000, 100_000]),
    st.one_of(st.none(), st.just("no connection")),
)
_tiers = st.lists(_states, min_size=1, max_size=4).map(
    lambda states: tuple(replace(state, name=f"t{n}") for n, state in enumerate(states))
)
_chances = st.dictionaries(st.sampled_from(["t0", "t1", "t2", "t3"]), st.floats(0, 1))
_asks = st.fixed_dictionaries(
    {
        "requested": st.sampled_from(["auto", "t0", "t1", "quick", "deep"]),
        "locked": st.booleans(),
        "offline": st.booleans(),
        "prompt_tokens": st.sampled_from([0, 50, 500, 5000]),
        "assessment": st.builds(Assessment, _chances),
        "dial": st.sampled_from(get_args(Dial)),
    }
)


def _outcome(tiers: tuple[TierState, ...], ask: dict[str, object]) -> Choice | None:
    try:
        return choose(tiers, **ask)  # type: ignore[arg-type]
    except TierwiseError:
        return None


@given(_tiers, _asks)
def test_under_a_lock_or_offline_only_a_tier_on_the_device_is_ever_chosen(
    tiers: tuple[TierState, ...], ask: dict[str, object]
) -> None:
    choice = _outcome(tiers, ask)
    by_name = {tier.name: tier for tier in tiers}
    if choice and (ask["locked"] or ask["offline"]):
        assert by_name[choice.tier].on_device
    for tier in tiers:
        higher, _ = escalation(
            tiers, tier.name, locked=bool(ask["locked"]), offline=bool(ask["offline"]), prompt_tokens=5
        )
        if higher and (ask["locked"] or ask["offline"]):
            assert by_name[higher].on_device


@given(_tiers, _asks)
def test_a_chosen_tier_is_up_and_wide_enough(tiers: tuple[TierState, ...], ask: dict[str, object]) -> None:
    choice = _outcome(tiers, ask)
    if choice:
        chosen = next(tier for tier in tiers if tier.name == choice.tier)
        assert chosen.down is None
        assert ask["prompt_tokens"] == 0 or chosen.context_window > int(str(ask["prompt_tokens"]))


@given(_tiers, _asks)
def test_taking_away_what_the_reasons_name_turns_the_choice(
    tiers: tuple[TierState, ...], ask: dict[str, object]
) -> None:
    choice = _outcome(tiers, ask)
    if choice is None or choice.stage not in ("policy", "fallback"):
        return
    codes = {reason.code for reason in choice.reasons}
    # A tier that is down and also expected to fail is passed over for either cause: only the rule is tried here.
    lifted = {**ask, "assessment": Assessment()}
    if "lock" in codes:
        lifted["locked"] = False
    if "offline" in codes:
        lifted["offline"] = False
    named = {tier.name for tier in tiers for reason in choice.reasons if f"{tier.name} " in reason.text}
    freed = tuple(
        replace(
            tier,
            down=None if "tier_down" in codes else tier.down,
            context_window=10**6 if "context_window" in codes else tier.context_window,
        )
        if tier.name in named
        else tier
        for tier in tiers
    )
    other = _outcome(freed, lifted)
    assert named
    assert other is not None and other.tier != choice.tier


@given(_tiers, _asks)
def test_the_figures_of_a_prediction_turn_the_choice(tiers: tuple[TierState, ...], ask: dict[str, object]) -> None:
    choice = _outcome(tiers, ask)
    if choice is None or choice.stage != "pre":
        return
    assessment = ask["assessment"]
    assert isinstance(assessment, Assessment)
    for reason in choice.reasons:
        assert reason.value is not None and reason.threshold is not None
        first = next(tier.name for tier in tiers if tier.name in assessment.p_good and tier.down is None)
        chances = dict(assessment.p_good)
        if reason.code == "gain":
            chances = {name: chances[first] if name != first else p for name, p in chances.items()}
        else:
            chances[first] = 0.6  # between the two sure ends
        assert _outcome(tiers, {**ask, "assessment": Assessment(chances)}) != choice
