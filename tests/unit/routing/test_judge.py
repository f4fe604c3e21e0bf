"""A draft judged by calibration: reasons are true causes, a look is asked for only where it may change something."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tierwise.fitting.logistic import Head
from tierwise.routing.calibration.judge import CalibratedJudge
from tierwise.routing.calibration.stages import Calibration, DraftStages, Stage
from tierwise.routing.dial import Window
from tierwise.routing.value import LOOK_COST, reach
from tierwise.signals import ALL
from tierwise.types import Draft, Passage, TokenEvidence, Verdict, Wish
from tierwise.verify.base import Judge

DRAFTED = ("logprob_mean", "logprob_min", "margin_mean", "hedges", "log_words", "top_score")
LOOKED = {"self_check": ("self_yes",), "second_sample": ("self_yes", "agree_answer", "agree_words")}
TEXT = "The compressor is guaranteed for seven years."
PASSAGE = Passage("p", "/a.txt", "default", None, 0, len(TEXT), TEXT, 0.8)
DRAFT = Draft(
    "quick", "m", "How long?", "Seven years.", "stop", (PASSAGE,), TokenEvidence((-0.1,)), higher=("mid", "deep")
)
GAINS = tuple(n / 100 for n in range(-20, 80))


def flat(p: float) -> Head:
    return Head((), (), (), (), math.log(p / (1 - p)))


def by(name: str, weight: float = 2.0, *, mean: float = 0.5, scale: float = 0.25) -> Head:
    return Head((name,), (mean,), (scale,), (weight,), 0.0)


def stages(own: Head, *higher: Head, looks: dict[str, Stage] | None = None, effort: tuple[float, ...] = (1.0,)) -> Any:
    names = ("mid", "deep")[2 - len(higher) :]
    heads = {"quick": own, **dict(zip(names, higher, strict=True))}
    efforts = dict(zip(names, effort, strict=True))
    known = Stage(heads, 0.1, 0.7, 0.2)
    return DraftStages(names, efforts, known, looks or {}, None, None, 24, 0.5, 0.1, GAINS)  # type: ignore[arg-type]


def judge_with(made: DraftStages, window: Window | None = None) -> CalibratedJudge:
    calibration = Calibration("c", 0.0, 100, "test", {}, "e", "p", {"quick": made})
    return CalibratedJudge(calibration, {"quick": window or Window(made.gains)})


def judged(made: DraftStages, features: dict[str, float], draft: Draft = DRAFT, wish: Wish = 0.3) -> Verdict:
    verdict = judge_with(made).judge(draft, {"logprob_mean": -0.3, **features}, wish)
    assert verdict is not None
    return verdict


def test_it_is_a_judge() -> None:
    made: Judge = judge_with(stages(flat(0.5), flat(0.9)))
    assert made.judge(DRAFT, {"logprob_mean": -0.1}, "balanced") is not None


def test_about_what_it_was_not_made_for_it_says_nothing() -> None:
    known = judge_with(stages(flat(0.5), flat(0.9)))
    assert known.judge(replace(DRAFT, tier="other"), {"logprob_mean": -0.1}, "balanced") is None
    assert known.judge(DRAFT, {"hedges": 1.0}, "balanced") is None  # no evidence: absent is not 0.5


@pytest.mark.parametrize(("p_quick", "outcome"), [(0.05, "escalate"), (0.6, "accept"), (0.95, "accept")])
def test_it_goes_up_where_the_larger_tier_is_worth_its_call(p_quick: float, outcome: str) -> None:
    verdict = judged(stages(flat(p_quick), flat(0.9)), {})
    assert verdict.outcome == outcome
    assert verdict.p_good == pytest.approx(p_quick)
    assert verdict.p_higher == pytest.approx({"deep": 0.9})
    assert verdict.features["gain"] == pytest.approx(0.9 - p_quick)
    assert verdict.reasons[0].code == "gain"


def test_a_question_that_nobody_can_answer_stays_however_unsure_the_draft_is() -> None:
    assert judged(stages(flat(0.02), flat(0.05)), {}).outcome == "accept"
    assert judged(stages(flat(0.02), flat(0.05)), {}, wish=1.0).outcome == "escalate"


def test_where_nobody_may_take_over_the_user_is_told_what_the_draft_lacks() -> None:
    verdict = judged(stages(flat(0.05), flat(0.9)), {}, replace(DRAFT, higher=()))
    assert (verdict.outcome, verdict.tier) == ("escalate", "deep")
    assert judged(stages(flat(0.95), flat(0.9)), {}, replace(DRAFT, higher=())).outcome == "accept"


def test_the_tier_that_is_worth_most_is_named() -> None:
    cheap = stages(flat(0.1), flat(0.85), flat(0.9), effort=(0.1, 1.0))
    assert judged(cheap, {}).tier == "mid"
    weak = stages(flat(0.1), flat(0.15), flat(0.9), effort=(0.9, 1.0))
    assert judged(weak, {}).tier == "deep"
    assert judged(cheap, {}, replace(DRAFT, higher=("deep",))).tier == "deep"  # mid may not
    assert set(judged(cheap, {}).p_higher) == {"mid", "deep"}


def test_a_wish_for_nothing_holds_for_a_cheaper_tier_too() -> None:
    assert judged(stages(flat(0.1), flat(0.9), flat(0.95), effort=(0.1, 1.0)), {}, wish=0.0).outcome == "accept"


# -- looks -------------------------------------------------------------------------------------------------------------


def with_looks(p_quick: float, spread: float = 0.2) -> DraftStages:
    check = Stage({"quick": by("self_yes", 4.0), "deep": flat(0.9)}, spread, 0.8, 0.15)
    sample = Stage({"quick": by("agree_answer", 4.0), "deep": flat(0.9)}, spread, 0.85, 0.12)
    return stages(flat(p_quick), flat(0.9), looks={"self_check": check, "second_sample": sample})


MAY = replace(DRAFT, may_look=True)
LINE = Window(GAINS).line(0.3)


def test_near_the_line_a_look_is_asked_for_and_the_later_heads_decide() -> None:
    made = with_looks(0.9 - LINE - 0.01)
    first = judged(made, {}, MAY)
    assert (first.outcome, first.look) == ("look", "self_check")
    assert [r.code for r in first.reasons] == ["undecided"]
    had = replace(MAY, looks_had=("self_check",), looks={"self_yes": 1.0})
    sure = judged(made, {"self_yes": 1.0}, had)
    assert sure.outcome == "accept" and sure.p_good is not None and sure.p_good > 0.99
    assert judged(made, {"self_yes": 0.0}, had).outcome == "escalate"
    middle = judged(made, {"self_yes": 0.47}, had)
    assert (middle.outcome, middle.look) == ("look", "second_sample")
    both = replace(had, looks_had=("self_check", "second_sample"))
    assert judged(made, {"self_yes": 0.5, "agree_answer": 1.0}, both).outcome == "accept"
    assert judged(made, {"self_yes": 0.5, "agree_answer": 0.0}, both).outcome == "escalate"


def test_without_leave_to_look_it_decides_on_what_there_is() -> None:
    assert judged(with_looks(0.9 - LINE - 0.01), {}).outcome == "escalate"
    assert judged(with_looks(0.9 - LINE + 0.01), {}).outcome == "accept"


def test_a_look_that_tells_nothing_is_passed_over() -> None:
    made = with_looks(0.9 - LINE)
    silent = replace(made, looks={**made.looks, "self_check": replace(made.looks["self_check"], spread=0.0)})
    assert judged(silent, {}, MAY).look == "second_sample"
    had = replace(MAY, looks_had=("second_sample",))
    assert judged(silent, {"agree_answer": 0.0}, had).outcome == "escalate"
    assert judged(silent, {"agree_answer": 1.0}, had).outcome == "accept"
    # With the second sample had, its own heads decide: nothing is asked for twice, and no look is waited for.
    sampled = replace(MAY, looks_had=("second_sample",))
    verdict = judged(silent, {"agree_answer": 1.0}, sampled)
    assert verdict.outcome != "look"
    assert verdict.p_good == pytest.approx(
        silent.looks["second_sample"].heads["quick"].p({"logprob_mean": -0.3, "agree_answer": 1.0})
    )
    useless = replace(made, looks={name: replace(stage, spread=0.0) for name, stage in made.looks.items()})
    assert judged(useless, {}, MAY).outcome == "accept"


def test_a_look_that_failed_still_counts_as_had() -> None:
    had = replace(MAY, looks_had=("self_check",))
    assert judged(with_looks(0.9 - LINE), {}, had).look == "second_sample"


@given(st.floats(0.01, 0.89), st.floats(0.01, 0.5), st.sampled_from([0.1, 0.3, 0.6, "economy", "balanced", "quality"]))
def test_a_look_is_asked_for_only_where_it_is_worth_its_time(p_quick: float, spread: float, wish: Wish) -> None:
    made = with_looks(p_quick, spread)
    verdict = judged(made, {}, MAY, wish)
    line = Window(GAINS).line(wish)
    gain = 0.9 - p_quick
    assume(abs(abs(gain - line) - reach(spread, LOOK_COST["self_check"] * max(line, 0.05))) > 1e-9)
    assert (verdict.outcome == "look") == (abs(gain - line) < reach(spread, LOOK_COST["self_check"] * max(line, 0.05)))
    if verdict.outcome == "look":
        (reason,) = verdict.reasons
        assert reason.value is not None and reason.threshold is not None
        assert reason.value < reason.threshold
    else:
        assert verdict.outcome == judged(made, {}, DRAFT, wish).outcome


# -- true causes -------------------------------------------------------------------------------------------------------

_VALUES = {
    "logprob_mean": st.floats(-3, 0),
    "logprob_min": st.floats(-8, 0),
    "margin_mean": st.floats(0, 1),
    "hedges": st.integers(0, 4).map(float),
    "log_words": st.floats(0, 5),
    "top_score": st.floats(0, 1),
    "self_yes": st.floats(0, 1),
    "agree_answer": st.sampled_from([0.0, 1.0]),
    "agree_words": st.floats(0, 1),
}


def _head(draw: random.Random, names: tuple[str, ...]) -> Head:
    means = tuple(draw.uniform(-1.5, 1.5) for _ in names)
    scales = tuple(draw.uniform(0.1, 2) for _ in names)
    weights = tuple(draw.choice([0.0, draw.uniform(-1.5, 1.5)]) for _ in names)
    return Head(names, means, scales, weights, draw.uniform(-2, 2))


@st.composite
def _situations(draw: st.DrawFn) -> tuple[DraftStages, Draft, dict[str, float], Wish]:
    higher = draw(st.sampled_from([("deep",), ("mid", "deep")]))
    some = random.Random(draw(st.integers(0, 10**6)))  # drawing each number of each head is slow
    looks: dict[str, Stage] = {}
    draft_stage = Stage({t: _head(some, DRAFTED) for t in ("quick", *higher)}, 0.1, None, 0.2)
    for look, more in LOOKED.items():
        heads = {t: _head(some, (*DRAFTED, *more)) for t in ("quick", *higher)}
        looks[look] = Stage(heads, some.choice([0.0, some.uniform(0, 0.3)]), None, 0.2)
    effort = {"mid": some.uniform(0.05, 1), "deep": 1.0}
    made = DraftStages(
        higher,
        {t: effort[t] for t in higher},
        draft_stage,
        looks,
        None,
        None,
        24,
        0.5,
        0.1,
        GAINS,  # type: ignore[arg-type]
    )
    had = draw(st.sampled_from([(), ("self_check",), ("second_sample",), ("self_check", "second_sample")]))
    may_take_over = draw(st.sampled_from([(), higher, higher[-1:]]))
    draft = replace(DRAFT, higher=may_take_over, looks_had=had, may_look=draw(st.booleans()))
    known = (*DRAFTED, *(LOOKED[had[-1]] if had else ()))
    features = {name: draw(_VALUES[name]) for name in known if name == "logprob_mean" or draw(st.booleans())}
    wish = draw(st.sampled_from(["economy", "balanced", "quality", 0.05, 0.3, 0.7, 0.95]))
    return made, draft, features, wish


def beyond(value: float, threshold: float) -> float:
    return threshold + math.copysign(1e-7 * max(1.0, abs(threshold - value)), threshold - value)


@given(_situations())
def test_turning_any_measurement_that_is_named_turns_the_outcome(
    situation: tuple[DraftStages, Draft, dict[str, float], Wish],
) -> None:
    made, draft, features, wish = situation
    verdict = judged(made, features, draft, wish)
    named = [reason for reason in verdict.reasons if reason.code in ALL]
    if verdict.outcome != "escalate":
        assert not named
    for reason in named:
        assert reason.value is not None and reason.threshold is not None
        if reason.code in features:
            assert reason.value == features[reason.code]
        flipped = judged(made, {**features, reason.code: beyond(reason.value, reason.threshold)}, draft, wish)
        assert flipped.outcome == "accept", (reason, flipped)


@given(_situations())
def test_gain_and_chance_stand_on_the_side_of_their_thresholds_that_decides(
    situation: tuple[DraftStages, Draft, dict[str, float], Wish],
) -> None:
    made, draft, features, wish = situation
    verdict = judged(made, features, draft, wish)
    by_code = {reason.code: reason for reason in verdict.reasons}
    gain = verdict.features["gain"]
    if verdict.outcome == "look":
        assert draft.may_look and verdict.look not in draft.looks_had
        return
    reason = by_code["gain"]
    assert reason.value == gain and reason.threshold is not None
    if verdict.outcome == "accept":
        assert gain <= reason.threshold
        return
    assert verdict.tier in (draft.higher or made.higher)
    assert gain >= reason.threshold
    chance = by_code["p_good"]
    assert chance.value == verdict.p_good and chance.threshold is not None
    # A draft as likely to be right as the threshold says would have been kept: the same gain, seen from below.
    assert verdict.p_good is not None
    assert verdict.p_good <= chance.threshold + 1e-12
    assert chance.threshold - verdict.p_good == pytest.approx(gain - reason.threshold)


@given(_situations())
def test_the_same_draft_is_judged_alike_and_only_what_is_measured_counts(
    situation: tuple[DraftStages, Draft, dict[str, float], Wish],
) -> None:
    made, draft, features, wish = situation
    assert judged(made, features, draft, wish) == judged(made, dict(reversed(features.items())), draft, wish)
    assert replace(judged(made, {**features, "not_known": 3.0}, draft, wish), features={}) == replace(
        judged(made, features, draft, wish), features={}
    )


@given(_situations())
def test_a_wish_for_more_never_keeps_what_a_wish_for_less_sends_up(
    situation: tuple[DraftStages, Draft, dict[str, float], Wish],
) -> None:
    made, draft, features, _ = situation
    settled = replace(draft, may_look=False)
    sent = [judged(made, features, settled, wish).outcome == "escalate" for wish in (0.0, 0.2, 0.5, 0.8, 1.0)]
    assert sent == sorted(sent)
