"""The router after calibration: what is worth going to at once, and how sure a draft must begin."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierwise.fitting.logistic import Head
from tierwise.routing import TierState, choose
from tierwise.routing.base import Question, Router
from tierwise.routing.calibration.router import CalibratedRouter, begun_floor
from tierwise.routing.calibration.stages import Calibration, DraftStages, Stage
from tierwise.routing.dial import Window
from tierwise.routing.value import DRAFT_COST, reach
from tierwise.types import Ahead, Assessment, Wish

TIERS = (TierState("quick", True, 4096), TierState("mid", False, 9000), TierState("deep", False, 128_000))
GAINS = tuple(n / 100 for n in range(-20, 80))
VECTOR = np.array([0.6, 0.8], np.float32)


def flat(p: float) -> Head:
    return Head((), (), (), (), math.log(p / (1 - p)))


def along(weight: float, intercept: float = 0.0) -> Head:
    return Head(("v0", "v1", "log_words"), (0.0, 0.0, 1.5), (1.0, 1.0, 0.5), (weight, 0.0, 0.0), intercept)


def begun(own: Head, *, deep: Head | None = None, spread: float = 0.1) -> Stage:
    return Stage({"quick": own, "mid": flat(0.05), "deep": deep or flat(0.9)}, spread, 0.7, 0.2)


def stages(*, asked: dict[str, Head] | None = None, beyond: float = 0.0, start: Stage | None = None) -> DraftStages:
    draft = Stage({"quick": flat(0.5), "mid": flat(0.6), "deep": flat(0.9)}, 0.1, 0.7, 0.2)
    before = Stage(asked, 0.2, 0.8, 0.2) if asked else None
    return DraftStages(
        ("mid", "deep"), {"mid": 0.25, "deep": 1.0}, draft, {}, before, start, 24, 0.5, beyond, GAINS
    )  # fmt: skip


def router(made: DraftStages) -> Router:
    calibration = Calibration("c", 0.0, 100, "test", {}, "e", "p", {"quick": made})
    return CalibratedRouter(calibration, {"quick": Window(made.gains)})


def question(vector: np.ndarray | None = VECTOR, dial: Wish = 0.3, tiers: tuple[str, ...] = ("quick", "mid", "deep")):  # type: ignore[no-untyped-def,type-arg]
    return Question("How many legs has a spider?", tiers, vector=vector, dial=dial)


ASKED = {"quick": along(-6.0), "mid": flat(0.4), "deep": flat(0.9)}
LINE = Window(GAINS).line(0.3)


async def test_without_proof_or_vector_nothing_is_predicted_but_everything_measured() -> None:
    for made, asked in ((stages(), question()), (stages(asked=ASKED), question(None))):
        found = await router(made).assess(asked)
        assert (found.p_good, found.ahead) == ({}, None)
        assert found.features["log_words"] > 0 and found.features["history"] == 0


async def test_for_tiers_it_was_not_made_for_it_only_measures() -> None:
    found = await router(stages(asked=ASKED, start=begun(flat(0.5)))).assess(question(tiers=("other", "deep")))
    assert (found.p_good, found.ahead, found.floor) == ({}, None, None)
    assert (await router(stages(asked=ASKED)).assess(question(tiers=()))).p_good == {}


async def test_what_it_would_go_to_at_once_comes_with_gain_and_threshold() -> None:
    found = await router(stages(asked=ASKED)).assess(question())
    assert set(found.p_good) == {"quick", "mid", "deep"}
    assert found.ahead is not None
    by_tier = {option.tier: option for option in found.ahead}
    own = found.p_good["quick"]
    assert by_tier["deep"].gain == pytest.approx(0.9 - own)
    assert by_tier["deep"].threshold == pytest.approx(LINE)
    assert by_tier["mid"].threshold == pytest.approx(LINE * 0.25)
    margins = [option.gain - option.threshold for option in found.ahead]
    assert margins == sorted(margins, reverse=True)
    assert choose(TIERS, assessment=found).tier == found.ahead[0].tier == "deep"


async def test_a_draft_that_may_still_tell_much_is_written_first() -> None:
    sure = await router(stages(asked=ASKED)).assess(question())
    open_ = await router(stages(asked=ASKED, beyond=0.5)).assess(question())
    assert sure.ahead is not None and open_.ahead is not None
    more = {option.tier: option.threshold for option in open_.ahead}
    for option in sure.ahead:
        assert more[option.tier] - option.threshold == pytest.approx(reach(0.5, DRAFT_COST * LINE))
    assert choose(TIERS, assessment=open_).stage == "post"


async def test_a_line_below_nothing_sends_everything_ahead_only_where_a_draft_tells_nothing() -> None:
    always = await router(stages(asked=ASKED)).assess(question(dial=1.0))
    assert choose(TIERS, assessment=always).stage == "pre"
    tells = await router(stages(asked=ASKED, beyond=0.1)).assess(question(dial=1.0))
    assert choose(TIERS, assessment=tells).stage == "post"


async def test_nobody_goes_up_under_a_wish_for_none() -> None:
    found = await router(stages(asked=ASKED)).assess(question(dial=0.0))
    assert choose(TIERS, assessment=found).tier == "quick"


# -- the choice --------------------------------------------------------------------------------------------------------

_options = st.lists(
    st.builds(Ahead, st.sampled_from(["mid", "deep"]), st.floats(-1, 1), st.floats(-0.5, 1)),
    max_size=2,
    unique_by=lambda option: option.tier,
)


@given(_options)
def test_turning_the_gain_across_its_threshold_turns_the_choice(options: list[Ahead]) -> None:
    chosen = choose(TIERS, assessment=Assessment(ahead=tuple(options)))
    reasons = {reason.code: reason for reason in chosen.reasons}
    worth = [option for option in options if option.gain > option.threshold]
    assert chosen.tier == (worth[0].tier if worth else "quick")
    assert chosen.stage == ("pre" if worth else "post")
    if "gain" not in reasons:
        assert not options
        return
    reason = reasons["gain"]
    assert reason.value is not None and reason.threshold is not None
    if worth:
        assert reason.value > reason.threshold
        flipped = [replace(o, gain=o.threshold) if o == worth[0] else o for o in options]
        assert choose(TIERS, assessment=Assessment(ahead=tuple(flipped))).tier != chosen.tier
    else:
        assert reason.value <= reason.threshold
        flipped = [replace(o, gain=o.threshold + 1e-6) if o == options[0] else o for o in options]
        assert choose(TIERS, assessment=Assessment(ahead=tuple(flipped))).tier == options[0].tier


@given(_options, st.sampled_from(["locked", "offline"]))
def test_no_prediction_gets_around_a_lock(options: list[Ahead], rule: str) -> None:
    options = [replace(option, gain=1.0, threshold=-1.0) for option in options]
    chosen = choose(TIERS, assessment=Assessment(ahead=tuple(options)), **{rule: True})  # type: ignore[arg-type]
    assert chosen.tier == "quick"


def test_a_tier_that_is_down_is_passed_over_for_the_next_that_is_worth_it() -> None:
    options = (Ahead("deep", 0.8, 0.1), Ahead("mid", 0.4, 0.1))
    down = (TIERS[0], TIERS[1], replace(TIERS[2], down="no connection"))
    assert choose(TIERS, assessment=Assessment(ahead=options)).tier == "deep"
    assert choose(down, assessment=Assessment(ahead=options)).tier == "mid"


def test_weighed_and_found_too_light_is_not_the_same_as_not_weighed() -> None:
    sure = {"quick": 0.1, "mid": 0.3, "deep": 0.95}
    assert choose(TIERS, assessment=Assessment(sure)).tier == "deep"  # by the rules
    light = Assessment(sure, ahead=(Ahead("deep", 0.85, 0.9),))
    assert choose(TIERS, assessment=light).tier == "quick"


# -- the floor ---------------------------------------------------------------------------------------------------------


def own(intercept: float, weight: float = 1.5) -> Head:
    return Head(("begun_logprob",), (-0.6,), (0.25,), (weight,), intercept)


def test_a_beginning_as_doubtful_as_the_floor_is_not_worth_writing_on_and_a_surer_one_is() -> None:
    made = stages(start=begun(own(0.0)))
    floor = begun_floor(made, "quick", LINE)
    assert floor is not None and floor.tokens == 24
    beyond = reach(0.1, DRAFT_COST * LINE * 0.5)
    at = 0.9 - own(0.0).p({"begun_logprob": floor.logprob_mean}) - LINE
    above = 0.9 - own(0.0).p({"begun_logprob": floor.logprob_mean + 0.25 * 6 / 120 * 1.01}) - LINE
    assert at > beyond >= above


def test_the_surer_the_model_the_lower_its_floor() -> None:
    floors = [begun_floor(stages(start=begun(own(b))), "quick", LINE) for b in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    values = [floor.logprob_mean for floor in floors if floor is not None]
    assert len(values) == len(floors)
    assert values == sorted(values, reverse=True) and values[0] > values[-1]


def test_the_more_a_call_costs_the_lower_the_floor() -> None:
    made = stages(start=begun(own(0.0)))
    floors = [begun_floor(made, "quick", line) for line in (0.05, 0.2, 0.4, 0.6)]
    values = [math.inf if f is None else f.logprob_mean for f in floors]
    assert values == sorted(values, reverse=True)
    assert begun_floor(made, "quick", 0.95) is None


def test_there_is_no_floor_where_it_would_not_be_worth_it() -> None:
    assert begun_floor(stages(), "quick", 0.3) is None  # nothing is known of beginnings
    assert begun_floor(stages(start=begun(flat(0.5))), "quick", 0.3) is None  # they do not tell
    assert begun_floor(stages(start=begun(own(0.0))), "quick", 0.0) is None  # calls cost nothing: drafts tell for free
    assert begun_floor(stages(start=begun(own(8.0))), "quick", 0.3) is None  # hardly ever that doubtful
    assert begun_floor(stages(start=begun(own(0.0), deep=flat(0.2))), "quick", 0.3) is None  # nobody else knows
    assert begun_floor(stages(start=begun(own(0.0), spread=2.0)), "quick", 0.3) is None  # the rest may tell all


async def test_the_floor_comes_with_the_assessment_and_follows_the_dial() -> None:
    made = router(stages(asked=ASKED, start=begun(own(0.0))))
    few, many = await made.assess(question(dial=0.1)), await made.assess(question(dial=0.6))
    assert few.floor == begun_floor(stages(start=begun(own(0.0))), "quick", Window(GAINS).line(0.1))
    assert many.floor is not None and (few.floor is None or many.floor.logprob_mean > few.floor.logprob_mean)
    assert (await made.assess(question(None, dial=0.6))).floor == many.floor


@given(st.floats(-3, 3), st.floats(0.1, 3), st.floats(0.05, 1), st.floats(0, 0.4))
def test_a_floor_can_be_met(intercept: float, weight: float, line: float, spread: float) -> None:
    floor = begun_floor(stages(start=begun(own(intercept, weight), spread=spread)), "quick", line)
    assert floor is None or (floor.tokens == 24 and -0.6 - 3 * 0.25 - 1e-9 <= floor.logprob_mean <= 0.0)
