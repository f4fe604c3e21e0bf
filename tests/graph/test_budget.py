"""Turns under a budget: they degrade to what costs nothing, say so, and never go past a cap by more than a request."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from calibrations import SURE, TORN, calibration
from parts import MarkerVerifier, Shelf, Stuck, TinyEmbedder

from tierwise import Answer, Budget, Caller, Copilot, Price, Settings, Tier
from tierwise.errors import Blocked, RateLimited, ServerError, Unreachable
from tierwise.routing.calibration.stages import save_calibration
from tierwise.testing import Fault, LoopbackServer, ScriptedModel, Step
from tierwise.types import Draft, ToolCall, Verdict

PRICE = Price(0.0, 10_000.0)  # a cent a word that is written


@pytest.fixture
def make(own_home: Path) -> Any:
    """Copilots with a free local tier and one that costs a cent a word."""
    made: list[Copilot] = []

    def build(quick: Any, deep: Any, budget: Budget, *more: Tier, **options: Any) -> Copilot:
        tiers = [Tier("quick", ScriptedModel(list(quick), name="scripted-quick", repeat=True))]
        tiers += more
        hosted = deep if isinstance(deep, ScriptedModel) else ScriptedModel(list(deep), repeat=True)
        hosted.name, hosted.on_device, hosted.host = "scripted-deep", False, "deep.invalid"
        tiers.append(Tier("deep", hosted, price=options.pop("price", PRICE)))
        parts = {"retriever": Shelf(), "embedder": TinyEmbedder(), "verifier": MarkerVerifier()}
        settings = Settings(home=own_home, budget=budget, dial=options.pop("dial", "balanced"))
        made.append(Copilot(tiers, settings=settings, **(parts | options)))
        return made[-1]

    yield build
    for copilot in made:
        copilot.close()


def asked(copilot: Copilot, tier: str = "deep") -> int:
    return len(copilot.model(tier).requests)  # type: ignore[attr-defined]


def notices(answer: Answer) -> dict[str, str]:
    return {notice.code: notice.text for notice in answer.notices}


def test_once_the_cap_is_reached_the_draft_stands_and_the_budget_is_named(make: Any) -> None:
    copilot = make(["UNSURE."], ["one two three four five"], Budget(day=0.05))
    first, second = copilot.ask("Hard?"), copilot.ask("Hard again?")
    assert (first.tier, first.cost_usd) == ("deep", pytest.approx(0.05))
    assert (second.tier, second.status, second.cost_usd) == ("quick", "done", 0)
    told = notices(second)["would_escalate"]
    assert "A larger model should have been asked" in told
    assert "$0.05 of today's budget of $0.05" in told
    assert asked(copilot) == 1


def test_a_caller_has_a_cap_of_its_own_and_others_still_have_money(make: Any) -> None:
    copilot = make(["UNSURE."], ["one two three four five"], Budget(day=1.0))
    poor, rich = Caller("k-poor", usd_day=0.05), Caller("k-rich", usd_day=0.5)
    assert copilot.ask("Hard?", caller=poor).tier == "deep"
    second = copilot.ask("Hard again?", caller=poor)
    assert (second.tier, second.status, second.cost_usd) == ("quick", "done", 0)
    assert "$0.05 of the $0.05 that this key may spend a day are spent" in notices(second)["would_escalate"]
    refused = copilot.ask("Hard?", caller=poor, tier="deep")
    assert refused.status == "blocked"
    assert (refused.error or "").endswith("Ask quick, or ask for a key that may spend more.")
    assert [copilot.ask("Hard?", caller=who).tier for who in (rich, None, Caller())] == ["deep"] * 3
    spent = [copilot.record.spent_by(who, 0.0) for who in ("k-poor", "k-rich", "local")]
    assert spent == pytest.approx([0.05, 0.05, 0.05])
    assert copilot.record.spent(0.0) == pytest.approx(0.2)


def test_a_tier_asked_for_by_name_is_refused(make: Any) -> None:
    copilot = make(["Fine."], ["one two three"], Budget(month=0.02))
    assert copilot.ask("Hello?", tier="deep").status == "done"  # the last request may go past the cap
    refused = copilot.ask("Hello?", tier="deep")
    assert refused.status == "blocked"
    assert "$0.03 of this month's budget of $0.02" in (refused.error or "")
    assert "Ask quick, or raise it under [budget]" in (refused.error or "")
    with pytest.raises(Blocked):
        refused.raise_for_status()
    assert asked(copilot) == 1
    assert copilot.ask("Hello?", tier="quick").status == "done"


def test_an_answer_is_not_overruled_without_money(make: Any) -> None:
    copilot = make(["Fine."], ["one"], Budget(day=0.0))
    copilot.ask("Hello?", thread="t")
    assert copilot.again("last", tier="deep").status == "blocked"
    assert asked(copilot) == 0


def test_a_tier_without_a_price_is_not_bounded(make: Any) -> None:
    copilot = make(["UNSURE."], ["one"], Budget(day=0.0), price=None)
    assert copilot.ask("Hard?").tier == "deep"


def test_money_of_this_turn_counts_at_once(make: Any) -> None:
    """The tier in the middle uses the money up, so the one above it is not asked in the same turn."""
    middle = ScriptedModel(["UNSURE as well."], name="middle", on_device=False, host="mid.invalid", repeat=True)
    copilot = make(["UNSURE."], ["one"], Budget(day=0.02), Tier("mid", middle, price=PRICE))
    answer = copilot.ask("Hard?")
    assert (answer.tier, answer.cost_usd) == ("mid", pytest.approx(0.03))
    assert "today's budget" in notices(answer)["would_escalate"]
    assert asked(copilot) == 0


def test_tool_rounds_end_with_the_money(make: Any) -> None:
    """Each round is a request of its own: the next one is not sent, and the draft that is held stands."""
    calls = Step("let me see", calls=(ToolCall("1", "calculator", {"expression": "1+1"}),))
    copilot = make(["UNSURE."], [calls], Budget(day=0.03))
    answer = copilot.ask("Hard?")
    assert (answer.tier, answer.status) == ("quick", "done")
    assert answer.cost_usd == pytest.approx(0.03)
    assert "today's budget" in notices(answer)["degraded"]
    assert asked(copilot) == 1


def test_tool_rounds_of_a_tier_asked_for_end_in_a_word(own_home: Path) -> None:
    calls = Step("let me see", calls=(ToolCall("1", "calculator", {"expression": "1+1"}),))
    model = ScriptedModel([calls], name="deep", on_device=False, host="deep.invalid", repeat=True)
    settings = Settings(home=own_home, budget=Budget(day=0.03))
    with Copilot([Tier("deep", model, price=PRICE)], settings=settings, retriever=Shelf(), embedder=None) as copilot:
        answer = copilot.ask("Hard?")
    assert answer.status == "blocked"
    assert "today's budget" in (answer.error or "")
    assert len(model.requests) == 1
    assert answer.cost_usd == pytest.approx(0.03)


@pytest.mark.parametrize("seed", range(3))
def test_never_more_than_one_request_past_a_cap(make: Any, seed: int) -> None:
    chance = random.Random(seed)
    words = [chance.randint(1, 9) for _ in range(12)]
    copilot = make(["UNSURE."], [" ".join(["word"] * n) for n in words], Budget(day=0.2))
    answers = [copilot.ask(f"Hard {n}?", tier=chance.choice(["auto", "deep"])) for n in range(12)]
    costs = [answer.cost_usd for answer in answers if answer.cost_usd]
    assert sum(costs[:-1]) < 0.2
    assert sum(costs) < 0.2 + 0.09 + 1e-9
    assert copilot.record.spent(0) == pytest.approx(sum(costs))


def test_most_of_the_money_gone_is_said(make: Any) -> None:
    copilot = make(["UNSURE."], ["one two three four"], Budget(day=0.045))
    copilot.ask("Hard?")
    assert notices(copilot.ask("Hello?"))["budget_low"] == "$0.04 of today's budget of $0.045 are spent."


def test_without_a_budget_nothing_is_read_or_said(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    copilot = make(["UNSURE."], ["one"], Budget())
    monkeypatch.setattr(copilot.record, "spent", None)
    monkeypatch.setattr(copilot.record, "spending", None)
    answer = copilot.ask("Hard?")
    assert (answer.tier, notices(answer)) == ("deep", {})


def test_a_tier_that_costs_money_is_not_looked_at_again_without_any(make: Any) -> None:
    """A further look is a request like any other."""

    class Looker(MarkerVerifier):
        async def verify(self, draft: Draft, *, dial: Any = "balanced") -> Verdict:
            return Verdict("look", 0.5, look="self_check") if draft.tier == "deep" else await super().verify(draft)

    copilot = make(["UNSURE."], ["one two three"], Budget(day=0.02), verifier=Looker())
    answer = copilot.ask("Hard?")
    assert (answer.tier, answer.status) == ("deep", "done")
    assert asked(copilot) == 1


# -- the pace, and shares ----------------------------------------------------------------------------------------------


def calibrated(make: Any, home: Path, budget: Budget, **options: Any) -> Copilot:
    save_calibration(home, calibration())
    half_sure = TORN.__class__((-1.0,) * 8, (0.5,) * 8, (1.0,) * 8)  # right in a half, deep in nine of ten
    return make([Step("Perhaps.", evidence=half_sure)], ["one"], budget, verifier=None, **options)  # type: ignore[no-any-return]


def test_a_budget_that_would_not_last_is_paced(make: Any, own_home: Path) -> None:
    """With money for a tenth of the turns still expected, a gain that balanced takes is too small."""
    copilot = calibrated(make, own_home, Budget(day=0.5))
    answer = copilot.ask("Hard?")
    record = copilot.record.get(answer.turn_id)
    assert answer.tier == "quick"
    assert "Paced to last: about " in notices(answer)["budget_paced"]
    assert notices(answer)["budget_paced"].endswith("until midnight.")
    assert record.dial == "balanced"  # what the user asked for
    assert 0 < record.features["allowed_share"] < 0.1


def test_money_enough_changes_nothing(make: Any, own_home: Path) -> None:
    copilot = calibrated(make, own_home, Budget(day=1000.0))
    answer = copilot.ask("Hard?")
    assert (answer.tier, notices(answer)) == ("deep", {})
    assert "allowed_share" not in copilot.record.get(answer.turn_id).features


def test_a_share_below_the_pace_stays_the_users(make: Any, own_home: Path) -> None:
    copilot = calibrated(make, own_home, Budget(day=0.5), dial=0.0)
    answer = copilot.ask("Hard?")
    assert answer.tier == "quick"
    assert "budget_paced" not in notices(answer)


def test_a_share_is_kept_by_the_calibration(make: Any, own_home: Path) -> None:
    copilot = calibrated(make, own_home, Budget())
    assert copilot.ask("Hard?", dial=0.05).tier == "quick"
    answer = copilot.ask("Hard?", dial=0.9)
    assert (answer.tier, notices(answer)) == ("deep", {})
    assert copilot.record.get(answer.turn_id).dial == 0.9


def test_a_share_without_calibration_is_said_once(make: Any) -> None:
    copilot = make(["UNSURE."], ["one"], Budget())
    answer = copilot.ask("Hard?", dial=0.2)
    assert [n.code for n in answer.notices] == ["uncalibrated_share"]
    assert answer.notices[0].text.endswith("tierwise router calibrate. Until then: balanced.")
    assert copilot.ask("Hard?", dial=0.2, tier="deep").notices == ()  # there was nothing to share out


def test_route_tells_what_the_turn_does(make: Any, own_home: Path) -> None:
    copilot = calibrated(make, own_home, Budget(day=0.5))
    route = copilot.route("Hard?")
    assert route.choice == "quick"
    assert [n.code for n in route.notices] == ["budget_paced"]
    assert copilot.record.records() == []


def test_route_without_money_is_refused_like_the_turn(make: Any) -> None:
    copilot = make(["Fine."], ["one"], Budget(day=0.0))
    assert copilot.route("Hello?").choice == "quick"
    with pytest.raises(Blocked, match="today's budget"):
        copilot.route("Hello?", tier="deep")


def test_a_sure_draft_needs_no_money(make: Any, own_home: Path) -> None:
    save_calibration(own_home, calibration())
    copilot = make([Step("Certainly.", evidence=SURE)], ["one"], Budget(day=0.5), verifier=None)
    assert copilot.ask("Easy?").tier == "quick"
    assert asked(copilot) == 0


# -- turns, threads, and requests that run together --------------------------------------------------------------------


def test_a_turn_has_a_budget_of_its_own(make: Any) -> None:
    calls = Step("let me see", calls=(ToolCall("1", "calculator", {"expression": "1+1"}),))
    copilot = make(["UNSURE."], [calls, calls, "one"], Budget(turn=0.05))
    answer = copilot.ask("Hard?", thread="t")
    assert (answer.tier, answer.cost_usd) == ("quick", pytest.approx(0.06))
    assert "$0.06 of this turn's budget of $0.05 are spent; the next turn has its own" in notices(answer)["degraded"]
    assert copilot.record.get(answer.turn_id).refused == "budget"
    assert copilot.ask("Hard?", thread="t").tier == "deep"


def test_a_thread_has_a_budget_of_its_own(make: Any) -> None:
    copilot = make(["UNSURE."], ["one two three"], Budget(thread=0.02))
    assert [copilot.ask("Hard?", thread=name).tier for name in "aab"] == ["deep", "quick", "deep"]
    refused = copilot.ask("Hard?", thread="a", tier="deep")
    assert refused.status == "blocked"
    assert "$0.03 of this thread's budget of $0.02 are spent; a new thread has its own" in (refused.error or "")
    assert "budget_low" in notices(copilot.ask("Hello?", thread="a"))
    assert "budget_low" not in notices(copilot.ask("Hello?", thread="c"))


def test_a_request_that_is_stopped_has_cost_what_it_said(make: Any) -> None:
    copilot = make(["UNSURE."], Stuck(["one two three four five six seven eight"], words=2), Budget(day=1.0))
    with closing(copilot.stream("Hard?")) as events:
        said = (event for event in events if event.type == "text.delta" and event.attempt == 2)
        next(said), next(said)
    turn = copilot.record.get("last")
    assert turn.status == "stopped"
    assert turn.attempts[-1].usage.estimated
    assert 0 < turn.cost_usd < 0.08
    assert copilot.record.spent(0) == pytest.approx(turn.cost_usd)


@pytest.mark.parametrize(
    ("text", "error", "costs"),
    [
        ("one two", ServerError("It broke."), True),  # nobody knows what the server counts
        ("one two", RateLimited("Slower."), True),
        ("", RateLimited("Slower."), False),
        ("", Unreachable("Nobody there.", nothing_sent=True), False),
    ],
)
def test_a_request_that_fails_costs_what_may_have_been_done(
    make: Any, text: str, error: Exception, costs: bool
) -> None:
    copilot = make(["UNSURE."], [Step(text, error=error)], Budget(day=1.0))
    answer = copilot.ask("Hard?")
    assert (answer.tier, answer.cost_usd > 0) == ("quick", costs)
    assert copilot.record.spent(0) == pytest.approx(answer.cost_usd)


def test_a_server_is_paid_for_what_it_served(own_home: Path) -> None:
    """Over HTTP: an error is not paid for, an answer is by the usage that the server told, and the record adds up."""
    with LoopbackServer(ScriptedModel(["one two three"], repeat=True)) as server:
        server.faults += [Fault(500)] * 9
        tiers = [
            Tier("quick", ScriptedModel(["UNSURE."], repeat=True)),
            Tier("deep", "openai:any", base_url=server.url, price=PRICE),
        ]
        settings = Settings(home=own_home, budget=Budget(day=1.0))
        parts: dict[str, Any] = {"retriever": Shelf(), "embedder": None, "verifier": MarkerVerifier()}
        with Copilot(tiers, settings=settings, **parts) as copilot:
            failed = copilot.ask("Hard?")
            assert (failed.tier, failed.cost_usd, copilot.record.spent(0)) == ("quick", 0, 0)
        server.faults.clear()
        with Copilot(tiers, settings=settings, **parts) as copilot:
            answer = copilot.ask("Hard?")
            assert (answer.tier, answer.cost_usd) == ("deep", pytest.approx(0.03))
            assert not answer.usage.estimated
            assert copilot.record.spent(0) == pytest.approx(0.03)


def test_turns_that_run_together_pass_a_cap_by_one_request_at_most(make: Any) -> None:
    copilot = make(["UNSURE."], [Step("one two three", delay=0.02)], Budget(day=0.05))
    running = [copilot.start(f"Hard {n}?") for n in range(8)]
    assert all(turn.wait(120) for turn in running)
    answers = [turn.answer for turn in running]
    assert all(answer is not None and answer.status == "done" for answer in answers)
    assert asked(copilot) <= 2
    assert copilot.record.spent(0) == pytest.approx(0.03 * asked(copilot))
    told = [notices(answer) for answer in answers if answer is not None and answer.tier == "quick"]
    assert all("today's budget" in str(found) for found in told)


def test_an_offline_turn_says_that_a_larger_model_should_have_been_asked(make: Any) -> None:
    copilot = make(["UNSURE."], ["one"], Budget())
    answer = copilot.ask("Hard?", offline=True)
    assert "tierwise is offline" in notices(answer)["would_escalate"]
    assert copilot.record.get(answer.turn_id).refused == "offline"
