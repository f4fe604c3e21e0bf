"""Calibration from questions to the copilot that uses it, on tiers that know some sums."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from parts import Shelf, TinyEmbedder, passage
from sums import asked, deep_knows, deep_model, questions, quick_knows, quick_model, tiers

from tierwise import AsyncCopilot, Passage, Tier
from tierwise.config import Price, Settings
from tierwise.errors import InvalidInput, ModelError, ServerError
from tierwise.routing.calibration.stages import FILE
from tierwise.runtime.calibrate import FOLDER, Calibrator, Outcome, Progress
from tierwise.runtime.own_turns import turn_questions
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.testing import Step, block_network
from tierwise.turns import Attempt, DecisionRecord
from tierwise.types import ToolCall

N = 60


def copilot_of(home: Path, some: list[Tier] | None = None, **settings: Any) -> AsyncCopilot:
    made = some or tiers()
    return AsyncCopilot(
        made, settings=Settings(home=home, **settings), retriever=Shelf(), embedder=TinyEmbedder(), tools=()
    )


def mixed() -> list[LabelledQuestion]:
    """A third with gold, a third whose outcome was recorded, a third where only agreement can tell."""
    made = []
    for n, question in enumerate(questions(N), 1):
        if n % 3 == 0:
            question = replace(question, gold=None)
        if n % 3 == 1:
            question = replace(question, gold=None, right={"quick": float(quick_knows(n)), "deep": 1.0})
        made.append(question)
    return made


class Made(NamedTuple):
    home: Path
    outcome: Outcome
    told: list[Progress]
    asked_deep: int


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A home with a calibration in it."""
    home, deep, told = tmp_path_factory.mktemp("calibrated"), deep_model(), list[Progress]()

    async def run() -> Outcome:
        async with copilot_of(home, tiers(deep=deep)) as copilot:
            calibrator = copilot.calibrator(mixed())
            outcome = await calibrator.run(told.append)
            calibrator.save(outcome)
            assert copilot.record.records() == []
            assert copilot.record.threads() == []
            return outcome

    return Made(home, asyncio.run(run()), told, len(deep.requests))


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    """A copy to work in."""
    shutil.copytree(made.home, tmp_path / "copy")
    return tmp_path / "copy"


# -- making one --------------------------------------------------------------------------------------------------------


def test_outcomes_are_those_that_were_recorded_then_of_gold_then_of_agreement(made: Made) -> None:
    assert len(made.outcome.rows) == N and not made.outcome.skipped
    for n, row in enumerate(made.outcome.rows, 1):
        if n % 3 == 0:  # only whether the tiers agree: the sums are wrong in different ways
            assert row.right == {"quick": float(quick_knows(n) and deep_knows(n)), "deep": 1.0}
        elif n % 3 == 1:
            assert row.right == {"quick": float(quick_knows(n)), "deep": 1.0}
        else:
            assert row.right == {"quick": float(quick_knows(n)), "deep": float(deep_knows(n))}
        assert {"logprob_mean", "self_yes", "agree_answer"} <= set(row.drafts["quick"])
        assert row.asked["log_words"] > 0 and len(row.vector) == TinyEmbedder.dimension


def test_what_is_known_already_is_not_asked(made: Made) -> None:
    assert made.asked_deep == N - N // 3
    assert {p.tier: p.total for p in made.told} == {"quick": N, "deep": N - N // 3}
    for tier in ("quick", "deep"):
        steps = [p for p in made.told if p.tier == tier]
        assert [p.done for p in steps] == list(range(steps[0].total + 1))


def test_the_calibration_says_what_it_was_made_for_and_what_it_is_worth(made: Made) -> None:
    calibration = made.outcome.calibration
    assert calibration.models == {"quick": "sums-quick", "deep": "sums-deep"}
    assert (calibration.encoder, calibration.questions) == ("tiny/1", N)
    told = calibration.figures["quick"]
    assert told["apgr"] > 0.6 and told["auroc"] > 0.8
    assert set(told["before"]) == {"share", "quality", "auroc", "apgr"}
    assert json.loads(json.dumps(told["dial"]))


def test_everything_is_kept_in_private(made: Made) -> None:
    for path in (made.home / FILE, *(made.home / FOLDER).iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert sorted(p.name for p in (made.home / FOLDER).iterdir()) == ["deep.jsonl", "quick.jsonl"]


# -- using it ----------------------------------------------------------------------------------------------------------


async def test_a_new_copilot_decides_by_it(made: Made, home: Path) -> None:
    new = list(range(N + 1, N + 25))
    async with copilot_of(home) as copilot:
        answers = {n: await copilot.ask(asked(n), dial=0.5) for n in new}
        turns = [copilot.record.get(a.turn_id) for a in answers.values()]
    right = sum(a.tier == ("quick" if quick_knows(n) else "deep") for n, a in answers.items())
    assert right >= 0.7 * len(new)
    for turn in turns:
        assert turn.calibration == made.outcome.calibration.id
        assert set(turn.p_good) == {"quick", "deep"}
        assert "quick.gain" in turn.features
        assert turn.reasons[0].code in ("gain", "draft_first")
        assert [n.code for n in turn.notices if n.code.startswith("calibration")] == []
    sent = [a for n, a in answers.items() if a.tier == "deep"]
    assert 0 < len(sent) < len(new)


@pytest.mark.parametrize(("wish", "final"), [(0.0, "quick"), (1.0, "deep")])
async def test_the_ends_of_the_dial_are_kept(home: Path, wish: float, final: str) -> None:
    async with copilot_of(home) as copilot:
        for n in range(70, 76):
            assert (await copilot.ask(asked(n), dial=wish)).tier == final


async def test_for_other_tiers_it_is_not_used_and_the_user_is_told(home: Path) -> None:
    async with copilot_of(home, tiers(deep=deep_model(name="another"))) as copilot:
        answer = await copilot.ask(asked(61))
        turn = copilot.record.get(answer.turn_id)
    assert answer.status == "done"
    assert turn.calibration is None
    (notice,) = [n for n in answer.notices if n.code == "calibration_unused"]
    assert "quick=sums-quick, deep=sums-deep" in notice.text and "tierwise router calibrate" in notice.text


@pytest.mark.parametrize("text", ["", "{", '{"version": 99}', '{"version": 1}'])
async def test_a_damaged_file_costs_only_its_own_advantage(home: Path, text: str) -> None:
    (home / FILE).write_text(text)
    async with copilot_of(home) as copilot:
        answer = await copilot.ask(asked(61))
    assert answer.status == "done" and answer.text.startswith("It is")
    assert [n.code for n in answer.notices if n.code.startswith("calib")] == ["calibration_unused"]


async def test_the_window_begins_with_what_the_record_has_of_it(home: Path) -> None:
    async with copilot_of(home) as copilot:
        for n in range(61, 81):
            await copilot.ask(asked(n), dial=0.3)
        line = copilot._services.windows["quick"].line(0.3)
    async with copilot_of(home) as copilot:
        assert copilot._services.windows["quick"].line(0.3) == pytest.approx(line, abs=0.1)


# -- what it takes -----------------------------------------------------------------------------------------------------


async def test_an_estimate_tells_what_will_be_asked_what_it_costs_and_what_leaves(tmp_path: Path) -> None:
    quick, deep = quick_model(), deep_model()
    some = questions(20)
    some[0] = replace(some[0], right={"deep": 1.0})
    some[1] = replace(some[1], answers={"deep": "It is 4."})
    async with copilot_of(tmp_path, tiers(quick, deep, price=Price(10.0, 100.0))) as copilot:
        estimate = await copilot.calibrator(some).estimate()
    assert estimate.answers == {"quick": 20, "deep": 18}
    assert (estimate.hosts, estimate.questions_out) == (("sums.invalid",), 18)
    assert estimate.usd is not None and 0 < estimate.usd < 1
    assert estimate.seconds > 0
    assert deep.requests == []  # nothing leaves before it is wanted
    assert 0 < len(quick.requests) <= 2 * 3


async def test_without_a_price_no_cost_is_made_up(tmp_path: Path) -> None:
    async with copilot_of(tmp_path) as copilot:
        assert (await copilot.calibrator(questions(5)).estimate()).usd is None
        known = [replace(q, right={"quick": 1.0, "deep": 1.0}) for q in questions(5)]
        estimate = await copilot.calibrator(known).estimate()
    assert (estimate.usd, estimate.hosts, estimate.questions_out) == (0.0, (), 0)


async def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    async def calibrate(quick: Any, deep: Any, some: list[LabelledQuestion]) -> Calibrator:
        async with copilot_of(tmp_path, tiers(quick, deep)) as copilot:
            calibrator = copilot.calibrator(some)
            with pytest.raises(InvalidInput, match=f"There are {len(some)} usable questions"):
                await calibrator.run()
            return calibrator

    quick, deep = quick_model(), deep_model()
    await calibrate(quick, deep, questions(6))
    assert (len(quick.requests), len(deep.requests)) == (18, 6)
    again_quick, again_deep = quick_model(), deep_model()
    await calibrate(again_quick, again_deep, questions(6))
    assert (again_quick.requests, again_deep.requests) == ([], [])
    more_quick, more_deep = quick_model(), deep_model()
    await calibrate(more_quick, more_deep, questions(8))
    assert (len(more_quick.requests), len(more_deep.requests)) == (6, 2)


async def test_an_estimate_is_no_work_for_nothing(tmp_path: Path) -> None:
    quick = quick_model()
    async with copilot_of(tmp_path, tiers(quick)) as copilot:
        calibrator = copilot.calibrator(questions(6))
        await calibrator.estimate()
        with pytest.raises(InvalidInput):
            await calibrator.run()
    assert len(quick.requests) == 18


async def test_a_larger_tier_that_keeps_failing_ends_it_with_its_cause(tmp_path: Path) -> None:
    deep = deep_model(Step(error=ServerError("The server is on fire.")))
    async with copilot_of(tmp_path, tiers(deep=deep)) as copilot:
        with pytest.raises(ModelError, match=r"deep failed \d+ times in a row: .*The server is on fire"):
            await copilot.calibrator(questions(20)).run()
    assert len(deep.requests) < 2 * 20
    assert not (tmp_path / FILE).exists()


async def test_a_question_that_fails_is_left_out_and_named(tmp_path: Path) -> None:
    def sometimes(request: Any) -> Any:
        from sums import deep_says, number

        return Step(error=ServerError("Not this one.")) if number(request) == 3 else deep_says(request)

    async with copilot_of(tmp_path, tiers(deep=deep_model(sometimes))) as copilot:
        with pytest.raises(InvalidInput, match="There are 7 usable questions"):
            await copilot.calibrator(questions(8)).run()


@pytest.mark.parametrize("rule", ["offline", "locked"])
async def test_under_a_lock_or_offline_nothing_leaves(tmp_path: Path, rule: str) -> None:
    deep = deep_model()
    async with copilot_of(tmp_path, tiers(deep=deep), **{rule: True}) as copilot:
        with block_network() as tried, pytest.raises(ModelError, match="deep"):
            await copilot.calibrator(questions(12)).run()
    assert deep.requests == [] and tried == []


async def test_what_cannot_be_calibrated_says_so(tmp_path: Path) -> None:
    async with copilot_of(tmp_path / "a", [Tier("quick", quick_model())]) as copilot:
        with pytest.raises(InvalidInput, match="there is only one"):
            copilot.calibrator(questions(3))
    async with copilot_of(tmp_path / "b") as copilot:
        with pytest.raises(InvalidInput, match="no questions"):
            copilot.calibrator([])


async def test_a_recorded_outcome_of_the_larger_tier_alone_says_nothing_about_the_smaller(tmp_path: Path) -> None:
    deep = deep_model()
    async with copilot_of(tmp_path, tiers(deep=deep)) as copilot:
        calibrator = copilot.calibrator([replace(q, gold=None, right={"deep": 1.0}) for q in questions(4)])
        with pytest.raises(InvalidInput, match="There are 4 usable"):
            await calibrator.run()
        rows = calibrator._label({})
    assert len(deep.requests) == 4  # its words are needed to judge by
    assert [row.right["quick"] for row in rows] == [float(quick_knows(n) and deep_knows(n)) for n in range(1, 5)]


async def test_a_trial_leaves_no_trace(tmp_path: Path) -> None:
    async with copilot_of(tmp_path) as copilot:
        await copilot.ask("What is 1 plus 1?", thread="mine", tier="quick")
        before = copilot.record.records()
        with pytest.raises(InvalidInput):
            await copilot.calibrator(questions(5)).run()
        assert copilot.record.records() == before
        assert [t.thread for t in copilot.record.threads()] == ["mine"]


# -- one's own turns ---------------------------------------------------------------------------------------------------

PAIR = tiers()


def turn(n: int, **changes: Any) -> DecisionRecord:
    final = changes.get("final", "quick")
    attempts = [Attempt(1, "quick", "m", "m", "accepted" if final == "quick" else "discarded", "small")]
    if final == "deep":
        attempts.append(Attempt(2, "deep", "m", "m", "accepted", "large"))
    values = {"final": final, "text": "x", "attempts": tuple(attempts), **changes}
    return DecisionRecord(f"t{n}", "th", values.pop("asked", f"What is {n} plus {n}?"), "done", float(n), **values)


def test_ones_own_questions_come_with_what_is_known_of_them() -> None:
    found = turn_questions(
        [
            turn(1),
            turn(2, final="deep"),
            turn(3, feedback="up"),
            turn(4, feedback="down: wrong"),
            turn(5, overruled="escalate"),
            turn(6, final="deep", feedback="up: good", overruled=None),
        ],
        PAIR,
    )
    assert [q.id for q in found] == ["t1", "t2", "t3", "t4", "t5", "t6"]
    assert [dict(q.answers) for q in found] == [{}, {"deep": "large"}, {}, {}, {}, {"deep": "large"}]
    assert [dict(q.right) for q in found] == [{}, {}, {"quick": 1.0}, {"quick": 0.0}, {"quick": 0.0}, {"deep": 1.0}]
    assert all(q.gold is None for q in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"locked": True},
        {"offline": True},
        {"locked": True, "feedback": "up"},
        {"text": "", "calls": (ToolCall("c", "look", {}),)},
        {"asked": "And in French?"},
        {"asked": "What about the second one?"},
    ],
)
def test_what_must_not_leave_or_means_nothing_alone_is_left_out(changes: dict[str, Any]) -> None:
    assert turn_questions([turn(1, **changes)], PAIR) == []


@pytest.mark.parametrize("status", ["stopped", "failed", "blocked", "running"])
def test_turns_without_an_answer_are_left_out(status: Any) -> None:
    assert turn_questions([replace(turn(1), status=status)], PAIR) == []


def test_a_question_asked_twice_counts_once_as_it_was_the_last_time() -> None:
    (found,) = turn_questions([turn(1, feedback="down"), turn(1, feedback="up", final="deep")], PAIR)
    assert dict(found.right) == {"deep": 1.0}


def test_a_question_that_was_locked_once_never_leaves() -> None:
    assert turn_questions([turn(1, locked=True), turn(1)], PAIR) == []
    assert turn_questions([turn(1), turn(1, locked=True)], PAIR) == []


async def test_a_locked_thread_of_ones_own_is_never_among_them(tmp_path: Path) -> None:
    async with copilot_of(tmp_path) as copilot:
        await copilot.ask(asked(1), thread="open")
        await copilot.ask(asked(2), thread="locked", lock=True)
        await copilot.ask(asked(3), thread="locked")  # reads what is locked
        await copilot.ask(asked(4), offline=True)
        found = turn_questions(copilot.record.records(), copilot.tiers)
    assert [q.question for q in found] == [asked(1)]


class SomeLocked(Shelf):
    """Finds a locked passage for every third question."""

    def search(self, query: str, **_: Any) -> list[Passage]:
        n = int(query.split()[2])
        return [passage("Sums are private.", locked=True)] if n % 3 == 0 else []


async def test_questions_that_read_something_locked_stay_here_and_the_others_go_on(tmp_path: Path) -> None:
    deep = deep_model()
    copilot = AsyncCopilot(
        tiers(deep=deep),
        settings=Settings(home=tmp_path),
        retriever=SomeLocked(),
        embedder=TinyEmbedder(),
        tools=(),
    )
    async with copilot:
        outcome = await copilot.calibrator(questions(75)).run()
    assert len(outcome.skipped) == 25
    assert set(outcome.skipped) == {f"q{n}" for n in range(3, 76, 3)}
    assert not any("private" in message.content for request in deep.requests for message in request.messages)
