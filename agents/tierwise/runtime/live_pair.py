"""A local and a larger tier on labelled questions, end to end: half of them to learn from, half to be measured on."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tierwise.config import Settings, Tier
from tierwise.errors import InvalidInput
from tierwise.graph.context import Services
from tierwise.models.base import Capabilities, ChatModel, ChatRequest, Chunk
from tierwise.routing.calibration.fit import LEAST
from tierwise.routing.calibration.stages import Calibration, Stage, save_calibration
from tierwise.routing.dial import share_above
from tierwise.runtime.async_copilot import AsyncCopilot
from tierwise.runtime.calibrate import Progress
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.runtime.trial import trials
from tierwise.turns import DecisionRecord
from tierwise.types import Passage, Wish
from tierwise.verify.grading import grade

WISHES: tuple[Wish, ...] = ("economy", "balanced", "quality", 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Tested:
    """One question of the second half.

    Attributes:
        question: with its kind.
        text: the draft.
        weak: how good the local answer is.
        strong: how good the larger tier's is.
        failed: the draft fails plainly.
        p: by stage (``draft``, ``self_check``, ``second_sample``), the chance that the draft is right.
        gain: by stage, the gain expected of the larger tier; 1 for a draft that fails plainly.
        features: what was measured of the draft.
    """

    question: LabelledQuestion
    text: str
    weak: float
    strong: float
    failed: bool
    p: dict[str, float]
    gain: dict[str, float]
    features: dict[str, float]


@dataclass(frozen=True)
class Served:
    """What the real graph did at one setting: the share that went up, how good its answers were, looks and tokens."""

    wish: Wish
    share: float
    quality: float
    looks: dict[str, float]
    ahead: float
    doubted: float
    ms: float


@dataclass(frozen=True)
class LivePair:
    """The measured pair; ``served`` by the kind of question, ``all`` for all of them."""

    calibration: Calibration
    fitted: int
    tested: tuple[Tested, ...]
    served: dict[str, tuple[Served, ...]] = field(default_factory=dict)


class _Lent:
    """A model that others go on using: whoever has it on loan cannot close it."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def capabilities(self) -> Capabilities:
        return self._model.capabilities

    def stream(self, request: ChatRequest) -> AsyncIterator[Chunk]:
        return self._model.stream(request)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return await self._model.count_tokens(texts)

    async def aclose(self) -> None:
        """It goes on."""


class Nothing:
    """A :class:`~tierwise.knowledge.base.Retriever` that finds nothing: the questions are asked without documents."""

    def search(self, *_: object, **__: object) -> list[Passage]:
        """No passages."""
        return []


async def measure_pair(
    local: Tier,
    deep: Tier,
    questions: Sequence[LabelledQuestion],
    home: Path,
    *,
    keep: Path,
    seed: int = 1,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> LivePair:
    """Calibrate on one half of each kind of question, then let the graph answer the other half at every setting.

    Args:
        local: the drafting tier.
        deep: the larger one.
        questions: with gold, or with the outcome of both tiers.
        home: an empty folder for the stores of the run.
        keep: folder where the models' answers are kept; a run that was stopped goes on from it.
        seed: of the split.
        progress: called with what is done, how far, of how many.

    Raises:
        InvalidInput: if the questions are too few, or all have the same outcome.
        ModelError: if a tier keeps failing.
    """
    _check(questions, local, deep)

    def tell(step: Progress) -> None:
        progress(f"{step.tier}, first half", step.done, step.total)

    fit, test = split(questions, seed)
    tiers = (local, deep)
    async with AsyncCopilot(tiers, settings=Settings(home=home, tiers=tiers), retriever=Nothing(), tools=()) as copilot:
        calibrator = copilot.calibrator(fit, folder=keep)
        outcome = await calibrator.run(tell)
        tested = await _test(calibrator.services, outcome.calibration, test, progress)
        # Every setting is asked of the real thing, from a home of its own; answers it has given are not made again.
        answering = [
            replace(t, model=_Lent(model)) for t, model in zip(tiers, calibrator.services.models.values(), strict=True)
        ]
        served: dict[str, list[Served]] = {}
        for n, wish in enumerate(WISHES):
            records = await _serve(answering, outcome.calibration, tested, wish, home / f"served-{n}", progress)
            kinds = sorted({t.question.kind or "" for t in tested})
            for kind in ("all", *kinds):
                some = [(t, r) for t, r in zip(tested, records, strict=True) if kind in ("all", t.question.kind or "")]
                served.setdefault(kind, []).append(_served(wish, some, deep.name))
    return LivePair(outcome.calibration, len(outcome.rows), tuple(tested), {k: tuple(v) for k, v in served.items()})


def _check(questions: Sequence[LabelledQuestion], local: Tier, deep: Tier) -> None:
    """Refuse what could not be measured before anyone has drafted for an hour."""
    if len(questions) < 2 * LEAST:
        raise InvalidInput(
            f"There are {len(questions)} questions; at least {2 * LEAST} are needed, half of them to learn from.",
            fix="Add questions; 400 are a good number.",
        )
    bare = [q.id for q in questions if q.gold is None and not {local.name, deep.name} <= set(q.right)]
    if bare:
        raise InvalidInput(
            f"{len(bare)} questions have neither gold nor the outcome of both tiers, {bare[0]} for one.",
            fix="Give each its gold answer.",
        )


def split(questions: Sequence[LabelledQuestion], seed: int) -> tuple[list[LabelledQuestion], list[LabelledQuestion]]:
    """Two halves, each kind of question halved by itself."""
    halves: tuple[list[LabelledQuestion], list[LabelledQuestion]] = ([], [])
    for kind in dict.fromkeys(q.kind for q in questions):
        some = [q for q in questions if q.kind == kind]
        random.Random(seed).shuffle(some)  # noqa: S311 - a split, not a secret
        halves[0].extend(some[: len(some) // 2])
        halves[1].extend(some[len(some) // 2 :])
    for half in halves:  # kinds come mixed, as a person's questions do
        random.Random(seed).shuffle(half)  # noqa: S311
    return halves


async def _test(
    services: Services,
    calibration: Calibration,
    questions: Sequence[LabelledQuestion],
    progress: Callable[[str, int, int], None],
) -> list[Tested]:
    """Measure everything of every draft, and what each stage makes of it."""
    local, deep = services.tiers
    tested = []
    async with trials(services) as run:
        for n, question in enumerate(questions, 1):
            trial = await run.run(question.question, local.name, looks=True, offline=False)
            strong = question.right.get(deep.name)
            if strong is None:
                other = await run.run(question.question, deep.name, looks=False, offline=False)
                strong = _grade(question, other.record.text)
            known = {**{k: v for k, v in trial.record.features.items() if "." not in k}, **trial.features}
            known_of = calibration.drafts[local.name]
            stages: dict[str, Stage] = {"draft": known_of.draft, **dict(known_of.looks.items())}
            p = {name: stage.heads[local.name].p(known) for name, stage in stages.items()}
            up = {name: stage.heads[deep.name].p(known) for name, stage in stages.items()}
            weak = question.right[local.name] if local.name in question.right else _grade(question, trial.record.text)
            gain = {name: 1.0 if trial.failed else up[name] - p[name] for name in p}
            tested.append(Tested(question, trial.record.text, weak, strong, trial.failed, p, gain, trial.features))
            progress("second half", n, len(questions))
    return tested


async def _serve(
    tiers: Sequence[Tier],
    calibration: Calibration,
    tested: Sequence[Tested],
    wish: Wish,
    home: Path,
    progress: Callable[[str, int, int], None],
) -> list[DecisionRecord]:
    """Ask every question as a user with this wish would."""
    save_calibration(home, calibration)
    async with AsyncCopilot(tiers, settings=Settings(home=home), retriever=Nothing(), tools=()) as copilot:
        records = []
        for n, test in enumerate(tested, 1):
            answer = await copilot.ask(test.question.question, dial=wish)
            records.append(copilot.record.get(answer.turn_id))
            progress(f"answering at {wish}", n, len(tested))
        return records


def _served(wish: Wish, some: Sequence[tuple[Tested, DecisionRecord]], deep: str) -> Served:
    n = len(some)
    up = [float(r.final == deep) for _, r in some]
    looks = {
        name: sum(any(k.endswith(f".{mark}") for k in r.features) for _, r in some) / n
        for name, mark in (("self_check", "self_yes"), ("second_sample", "agree_length"))
    }
    return Served(
        wish=wish,
        share=share_above(0.5, up),
        quality=sum(t.strong if r.final == deep else t.weak for t, r in some) / n,
        looks=looks,
        ahead=sum(r.stage == "pre" for _, r in some) / n,
        doubted=sum(any(reason.code == "doubted" for a in r.attempts for reason in a.reasons) for _, r in some) / n,
        ms=sum(r.ms.get("total", 0.0) for _, r in some) / n,
    )


def _grade(question: LabelledQuestion, text: str) -> float:
    return float(grade(text, question.gold or "", question.grade))
