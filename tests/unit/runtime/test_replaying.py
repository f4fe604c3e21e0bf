"""A replay judges by the calibration in force, from what the records have of the drafts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from calibrations import by, calibration, flat

from tierwise.routing import replay
from tierwise.routing.calibration.stages import Calibration, Stage
from tierwise.runtime import dial_line
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import Reason, Wish

MODEL = "scripted-quick"


def turn(turn_id: str, surety: float | None, *, up: bool = False, model: str = MODEL, **found: float) -> DecisionRecord:
    """A turn whose draft had this mean log-probability, judged before there was any calibration."""
    draft = Attempt(1, "quick", model, "m", "discarded" if up else "accepted", "draft", 0.6)
    better = (Attempt(2, "deep", "openai:m", "m", "accepted", "answer"),) if up else ()
    features = {"log_words": 1.0, **{f"quick.{name}": value for name, value in found.items()}}
    if surety is not None:
        features["quick.logprob_mean"] = surety
    return DecisionRecord(
        turn_id, "t", "why?", "done", 1.0, chosen="quick", final="deep" if up else "quick",
        attempts=(draft, *better), features=features,
    )  # fmt: skip


def again(records: list[DecisionRecord], wish: Wish, found: Calibration | None = None) -> tuple[tuple[str, ...], ...]:
    replayed = replay(records, cheapest="quick", line=dial_line(wish, "quick", found or calibration()))
    return replayed.more, replayed.fewer


def test_the_expected_gain_decides_not_the_recorded_chance() -> None:
    records = [turn("sure", 0.0), turn("torn", -3.0), turn("spent", 0.0, up=True)]
    assert again(records, "balanced") == (("torn",), ("spent",))


def test_a_share_draws_the_line_where_calibration_says() -> None:
    records = [turn("a", -0.7), turn("b", -1.0), turn("c", -1.5)]  # gains of about 0.19, 0.40 and 0.72
    assert again(records, 0.05) == ((), ())
    assert again(records, 0.1) == (("c",), ())
    assert again(records, 0.5) == (("b", "c"), ())
    assert again(records, 1.0) == (("a", "b", "c"), ())
    assert again(records, 0.0) == ((), ())


@pytest.mark.parametrize("wish", ["economy", "balanced", "quality", 0.0, 1.0])
def test_plain_failures_go_up_under_every_wish(wish: Wish) -> None:
    refused = replace(
        turn("a", -1.0, up=True),
        attempts=(
            Attempt(1, "quick", MODEL, "m", "discarded", "no", None, (Reason("refusal", "It does not answer."),)),
            Attempt(2, "deep", "openai:m", "m", "accepted", "answer"),
        ),
    )
    assert again([refused], wish) == ((), ())


def test_looks_that_were_had_are_judged_with_what_they_found() -> None:
    after = Stage({"quick": by("self_yes", 0.5, 6.0), "deep": flat(0.9)}, 0.1, 0.8, 0.1)
    found = calibration(looks={"self_check": after})
    records = [turn("no look", -3.0), turn("says yes", -3.0, self_yes=1.0), turn("says no", 0.0, self_yes=0.0)]
    assert again(records, "balanced", found) == (("no look", "says no"), ())


def test_a_second_sample_without_a_self_check_is_left_out() -> None:
    """Its heads were fitted on drafts that had both."""
    wrong = Stage({"quick": flat(0.01), "deep": flat(0.99)}, 0.1, 0.8, 0.1)
    found = calibration(looks={"self_check": wrong, "second_sample": wrong})
    assert again([turn("a", 0.0, agree_answer=1.0)], "balanced", found) == ((), ())


def test_drafts_that_calibration_says_nothing_about_are_left_out() -> None:
    records = [turn("other", -3.0, model="llama:other"), turn("unmeasured", None)]
    found = replay(records, cheapest="quick", line=dial_line("balanced", "quick", calibration()))
    assert (found.turns, found.skipped) == (0, {"unknown": 2})


def test_without_calibration_the_card_of_the_model_decides() -> None:
    records = [replace(turn("a", -3.0), attempts=(Attempt(1, "quick", MODEL, "m", "accepted", "d", p), ))
               for p in (0.01, 0.99)]  # fmt: skip
    found = replay(records, cheapest="quick", line=dial_line(0.2, "quick"))
    assert (found.turns, found.escalations_now) == (2, 1)
