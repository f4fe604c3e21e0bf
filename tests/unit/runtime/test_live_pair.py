"""A pair of tiers measured end to end: half of the questions to learn from, half answered by the real graph."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sums import asked, deep_knows, questions, quick_knows, quick_model

from tierwise import Tier
from tierwise.errors import InvalidInput, ModelError
from tierwise.models import ChatRequest, Completed, Delta
from tierwise.runtime.live_pair import WISHES, LivePair, measure_pair, split
from tierwise.runtime.pair_report import pair_figures
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.testing import RecordedModel, ScriptedModel
from tierwise.types import Message

N = 96


def kinds() -> list[LabelledQuestion]:
    return [replace(q, kind="even" if n % 2 else "odd") for n, q in enumerate(questions(N))]


def recorded() -> RecordedModel:
    return RecordedModel(
        "large", {asked(n): f"It is {2 * n if deep_knows(n) else 2 * n + 5}." for n in range(1, N + 1)}
    )


class Measured(NamedTuple):
    pair: LivePair
    keep: Path
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder, told = tmp_path_factory.mktemp("pair"), list[tuple[str, int, int]]()

    async def run() -> LivePair:
        return await measure_pair(
            Tier("quick", quick_model()),
            Tier("deep", recorded()),
            kinds(),
            folder / "home",
            keep=folder / "keep",
            progress=lambda *step: told.append(step),
        )

    return Measured(asyncio.run(run()), folder / "keep", told)


@pytest.mark.slow
def test_one_half_is_learned_from_and_the_other_measured_on(measured: Measured) -> None:
    pair = measured.pair
    assert (pair.fitted, len(pair.tested)) == (N // 2, N // 2)
    fit, test = split(kinds(), 1)
    assert [t.question for t in pair.tested] == test
    assert not {q.id for q in fit} & {t.question.id for t in pair.tested}
    for one in pair.tested:
        n = int(one.question.id.removeprefix("q"))
        assert (one.weak, one.strong) == (float(quick_knows(n)), float(deep_knows(n)))
        assert set(one.p) == set(one.gain) >= {"draft", "second_sample"}
        assert all(0 <= p <= 1 for p in one.p.values())


@pytest.mark.slow
def test_what_is_served_follows_the_wishes(measured: Measured) -> None:
    served = {one.wish: one for one in measured.pair.served["all"]}
    assert list(served) == list(WISHES)
    for wish in (0.1, 0.2, 0.3, 0.5):
        assert served[wish].share == pytest.approx(wish, abs=0.12)
    shares = [served[wish].share for wish in (0.1, 0.3, 0.5)]
    assert shares == sorted(shares) and shares[0] < shares[-1]
    assert any(one.looks["second_sample"] > 0 for one in served.values())
    words = [served[word].share for word in ("economy", "balanced", "quality")]
    assert words == sorted(words)
    assert served["quality"].quality >= served["economy"].quality
    weak = sum(t.weak for t in measured.pair.tested) / len(measured.pair.tested)
    assert served[0.5].quality > weak + 0.15
    for one in served.values():
        assert all(0 <= x <= 1 for x in (one.share, one.quality, one.ahead, one.doubted, *one.looks.values()))
        assert one.ms > 0


@pytest.mark.slow
def test_the_figures_are_json_for_each_kind_and_for_all(measured: Measured) -> None:
    told = pair_figures(measured.pair)
    assert json.loads(json.dumps(told, allow_nan=False))
    assert set(told["kinds"]) == {"all", "odd", "even"}
    whole = told["kinds"]["all"]
    assert whole["n"] == N // 2 == told["kinds"]["odd"]["n"] + told["kinds"]["even"]["n"]
    assert whole["weak"] < whole["strong"] <= whole["oracle"]
    assert set(whole["stages"]) >= {"draft", "second_sample"}
    last = whole["stages"]["second_sample"]
    assert last["auroc"] > 0.85 and last["brier"] < last["base"]
    assert last["auroc_interval"][0] <= last["auroc"] <= last["auroc_interval"][1]
    assert last["above_half_low"] <= last["above_half"]
    assert [one["wish"] for one in whole["served"]] == list(WISHES)
    assert whole["stages"]["draft"]["auroc"] < last["auroc"] + 1e-9


@pytest.mark.slow
def test_questions_of_one_kind_are_told_once(measured: Measured) -> None:
    tested = tuple(replace(t, question=replace(t.question, kind=None)) for t in measured.pair.tested)
    told = pair_figures(replace(measured.pair, tested=tested))
    assert set(told["kinds"]) == {"all"}


@pytest.mark.slow
def test_progress_is_told_to_its_end(measured: Measured) -> None:
    for name in {name for name, _, _ in measured.told}:
        _, done, total = [step for step in measured.told if step[0] == name][-1]
        assert done == total


@pytest.mark.slow
async def test_a_second_run_computes_nothing_anew(measured: Measured, tmp_path: Path) -> None:
    quick = quick_model()
    pair = await measure_pair(
        Tier("quick", quick), Tier("deep", recorded()), kinds(), tmp_path / "home", keep=measured.keep
    )
    assert quick.requests == []
    assert [t.p for t in pair.tested] == [t.p for t in measured.pair.tested]


@given(st.lists(st.sampled_from(["a", "b", None]), max_size=40), st.integers(0, 9))
def test_each_kind_is_halved_by_itself(names: list[str | None], seed: int) -> None:
    some = [LabelledQuestion(str(n), "?", kind=name) for n, name in enumerate(names)]
    fit, test = split(some, seed)
    assert sorted(q.id for q in (*fit, *test)) == sorted(q.id for q in some)
    for name in set(names):
        assert abs(sum(q.kind == name for q in fit) - sum(q.kind == name for q in test)) <= 1
    assert split(some, seed) == (fit, test)


# -- the recorded model ------------------------------------------------------------------------------------------------


async def said(model: RecordedModel, *messages: str) -> tuple[str, Any]:
    chunks = [c async for c in model.stream(ChatRequest(tuple(Message("user", m) for m in messages)))]
    assert isinstance(chunks[-1], Completed)
    return "".join(c.text for c in chunks if isinstance(c, Delta)), chunks[-1]


async def test_a_recorded_model_answers_what_was_recorded_also_after_a_draft() -> None:
    model = RecordedModel("large", {"How many?": "Eight legs.", "many?": "Other."})
    assert (await said(model, "How many?"))[0] == "Eight legs."
    text, done = await said(model, "Before.", "A draft: six. The question: How many?")
    assert text == "Eight legs."
    assert (done.finish, done.model_served, done.usage.estimated) == ("stop", "large", True)
    with pytest.raises(ModelError, match="was not recorded on this question"):
        await said(model, "How much?")
    assert all(count > 0 for count in await model.count_tokens(["", "word"]))


@pytest.mark.parametrize(
    ("questions", "says"),
    [
        ([LabelledQuestion(str(n), "?", gold="1") for n in range(79)], "There are 79 questions; at least 80"),
        ([LabelledQuestion(str(n), "?") for n in range(80)], "80 questions have neither gold"),
        ([LabelledQuestion(str(n), "?", right={"deep": 1.0}) for n in range(80)], "80 questions have neither gold"),
    ],
)
async def test_what_could_not_be_measured_is_refused_before_anyone_drafts(
    questions: list[LabelledQuestion], says: str, tmp_path: Path
) -> None:
    quick = ScriptedModel(["never asked"])
    with pytest.raises(InvalidInput, match=says):
        await measure_pair(Tier("quick", quick), Tier("deep", "openai:x"), questions, tmp_path, keep=tmp_path / "kept")
    assert quick.requests == []
