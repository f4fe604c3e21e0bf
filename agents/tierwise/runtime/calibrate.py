"""Calibration from start to end: try the tiers on questions, label what they say, fit, and keep the result."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierwise.config import Tier
from tierwise.errors import InvalidInput, ModelError
from tierwise.graph.context import Services
from tierwise.models.base import require_on_device
from tierwise.routing.calibration.fit import LEAST, DraftFit, fit_drafts
from tierwise.routing.calibration.labelled import Labelled
from tierwise.routing.calibration.report import figures, label_curve
from tierwise.routing.calibration.stages import Calibration, save_calibration
from tierwise.runtime.before import before
from tierwise.runtime.evidence_cards import evidence_for
from tierwise.runtime.prompt_id import prompt_id
from tierwise.runtime.question_file import LabelledQuestion
from tierwise.runtime.trial import Trial, Trials, kept, trials
from tierwise.verify.grading import agrees, grade

if TYPE_CHECKING:
    from tierwise.models.base import Embedder

FOLDER = "calibration"
LEAST_QUESTIONS = LEAST
"""Fewer cannot teach anything, whatever their outcomes: worth knowing before they are paid for."""
_TOGETHER = 4  # a local model writes four answers at once, and a hosted one is not asked more at a time
_PROBE = 2  # questions that are timed before anything is estimated
_MOST_FAILURES = 5
_TOKENS_GUESSED = 250.0  # of an answer that nobody has written yet
_SECONDS_GUESSED = 5.0  # that a hosted tier takes for it


@dataclass(frozen=True)
class Estimate:
    """What a calibration will take.

    Attributes:
        answers: how many each tier still has to give.
        seconds: about how long that takes.
        usd: about what it costs; ``None`` if a tier that is to be asked has no price.
        hosts: where questions go.
        questions_out: how many questions leave the device.
    """

    answers: dict[str, int]
    seconds: float
    usd: float | None
    hosts: tuple[str, ...]
    questions_out: int


@dataclass(frozen=True)
class Progress:
    """How far a run is: answers of the tier at work that are there, and how many there will be."""

    tier: str
    done: int
    total: int


@dataclass(frozen=True)
class Outcome:
    """A finished calibration with what the report needs; ``skipped`` says why questions were left out."""

    calibration: Calibration
    fits: dict[str, DraftFit]
    rows: tuple[Labelled, ...]
    skipped: dict[str, str] = field(default_factory=dict)


class Calibrator:
    """Tries tiers on labelled questions and fits a calibration.

    Every answer is kept at once in ``calibration/TIER.jsonl`` of the home folder: a run that was stopped goes on where
    it was. Tiers off the device are asked only if the turn could ask them, and never about a question without consent:
    calling :meth:`run` is the consent. It takes effect when it is saved and a copilot is made anew.

    Args:
        services: a copilot's parts.
        questions: what to ask.
        folder: where answers are kept; by default in the home folder.

    Raises:
        InvalidInput: if there are no larger tiers, or no questions.
    """

    def __init__(
        self, services: Services, questions: Sequence[LabelledQuestion], *, folder: Path | None = None
    ) -> None:
        if len(services.tiers) < 2:
            raise InvalidInput(
                "Calibration compares tiers, and there is only one.", fix="Add a larger one: tierwise setup."
            )
        if not questions:
            raise InvalidInput("There are no questions to calibrate on.", fix="Give a file of questions.")
        self._folder = folder or services.settings.home / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._models = kept(dict(services.models), self._folder)
        self._services = replace(services, models=self._models)
        self._questions = tuple(questions)
        self._tiers = services.tiers
        self._offline = services.settings.offline or services.settings.locked
        self._trials: dict[tuple[str, str], Trial] = {}

    @property
    def services(self) -> Services:
        """The copilot's parts, with models that keep their answers."""
        return self._services

    def needed(self, tier: Tier) -> list[LabelledQuestion]:
        """The questions a tier has to answer: all it drafts; of the largest those whose outcome is not recorded.

        Without a gold answer, what it says is needed to judge the tiers whose own outcome is not recorded.
        """
        if tier is not self._tiers[-1]:
            return list(self._questions)
        return [q for q in self._questions if tier.name not in q.answers and not self._is_settled(q)]

    def _is_settled(self, question: LabelledQuestion) -> bool:
        top = self._tiers[-1].name
        known = question.gold is not None or all(t.name in question.right for t in self._tiers)
        return top in question.right and known

    async def estimate(self) -> Estimate:
        """Time, money and questions that leave, from a few answers of the drafting tier, which are kept.

        Raises:
            ModelError: if the drafting tier cannot answer.
        """
        first = self._tiers[0]
        seconds, tokens = 0.0, _TOKENS_GUESSED
        async with trials(self._services) as run:
            probed = self._questions[:_PROBE]
            for question in probed:
                trial = await self._try(run, question, first)
                seconds += sum(a.ms for a in trial.record.attempts) / 1000 / len(probed)
                tokens = max(1.0, float(trial.record.usage.prompt_tokens))
        answers = {t.name: len(self.needed(t)) for t in self._tiers}
        total, usd, hosts, out = 0.0, 0.0, [], 0
        known = True
        for tier in self._tiers:
            n = answers[tier.name]
            each = seconds * (2 if tier is first else 1) if tier.stays_on_device else _SECONDS_GUESSED / _TOGETHER
            total += n * each
            if not n or tier.stays_on_device:
                continue
            out = max(out, n)
            hosts.append(self._models[tier.name].capabilities.host or "unknown")
            known = known and tier.price is not None
            usd += n * tier.price.cost(int(tokens), int(_TOKENS_GUESSED)) if tier.price else 0.0
        return Estimate(answers, total, usd if known else None, tuple(hosts), out)

    async def run(self, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """Let every tier answer what it has to, one tier after the other, then label and fit.

        Raises:
            ModelError: if a tier fails on question after question.
            InvalidInput: if there are too few usable questions, or all have the same outcome.
        """
        skipped: dict[str, str] = {}
        async with trials(self._services) as run:
            for tier in self._tiers:
                await self._answer_all(run, tier, progress, skipped)
        rows = await asyncio.to_thread(self._label, skipped)
        return await asyncio.to_thread(self._fit, rows, skipped)

    def save(self, outcome: Outcome) -> Path:
        """Put the calibration in the place of the one before.

        Raises:
            StoreError: if it cannot be written.
        """
        return save_calibration(self._services.settings.home, outcome.calibration)

    async def _answer_all(
        self, run: Trials, tier: Tier, progress: Callable[[Progress], None], skipped: dict[str, str]
    ) -> None:
        todo = [q for q in self.needed(tier) if q.id not in skipped]
        turns = asyncio.Semaphore(_TOGETHER)
        done, failures = 0, 0

        async def one(question: LabelledQuestion) -> None:
            nonlocal done, failures
            async with turns:
                if failures >= _MOST_FAILURES:
                    return
                trial = await self._try(run, question, tier)
                if trial.record.status == "done":
                    failures = 0
                else:
                    # A question that reads something locked is left out: that is no fault of the tier.
                    failures += trial.record.status != "blocked" or self._offline
                    skipped[question.id] = trial.record.error or f"{tier.name} gave no answer."
                done += 1
                progress(Progress(tier.name, done, len(todo)))

        progress(Progress(tier.name, 0, len(todo)))
        async with asyncio.TaskGroup() as group:
            for question in todo:
                group.create_task(one(question))
        if failures >= _MOST_FAILURES:
            last = list(skipped.values())[-1]
            raise ModelError(f"{tier.name} failed {failures} times in a row: {last}", fix="Run: tierwise doctor.")

    async def _try(self, run: Trials, question: LabelledQuestion, tier: Tier) -> Trial:
        found = self._trials.get((question.id, tier.name))
        if found is None:
            drafts = tier is not self._tiers[-1]
            found = await run.run(question.question, tier.name, looks=drafts, offline=self._offline)
            self._trials[question.id, tier.name] = found
        return found

    def _label(self, skipped: dict[str, str]) -> list[Labelled]:
        embedder = self._services.embedder
        rows = []
        for question in self._questions:
            if question.id not in skipped:
                rows.append(self._row(question, embedder))
        return rows

    def _row(self, question: LabelledQuestion, embedder: Embedder | None) -> Labelled:
        tried = {t.name: trial for t in self._tiers if (trial := self._trials.get((question.id, t.name))) is not None}
        texts = {**dict(question.answers), **{name: trial.record.text for name, trial in tried.items()}}
        top = self._tiers[-1].name
        vector: tuple[float, ...] = ()
        if embedder is not None:
            require_on_device(embedder)
            vector = tuple(map(float, embedder.embed([question.question])[0]))
        own = tried[self._tiers[0].name].record.features
        return Labelled(
            id=question.id,
            right={t.name: _right(question, t.name, texts, top, embedder) for t in self._tiers},
            asked={k: v for k, v in own.items() if "." not in k},
            drafts={name: trial.features for name, trial in tried.items() if name != top},
            failed=frozenset(name for name, trial in tried.items() if trial.failed),
            usd={name: trial.record.cost_usd for name, trial in tried.items()},
            seconds={name: trial.record.ms.get("model", 0.0) / 1000 for name, trial in tried.items()},
            vector=vector,
        )

    def _fit(self, rows: Sequence[Labelled], skipped: dict[str, str]) -> Outcome:
        names = [t.name for t in self._tiers]
        fits: dict[str, DraftFit] = {}
        told: dict[str, dict[str, Any]] = {}
        for place, name in enumerate(names[:-1]):
            try:
                fits[name] = fit_drafts(rows, name, names[place + 1 :])
                told[name] = figures(fits[name], name)
                card = evidence_for(self._tiers[place].model_name)
                told[name]["before"] = before(fits[name].rows, name, names[-1], card)
                told[name]["labels"] = label_curve(fits[name], name, names[place + 1 :])
            except InvalidInput:
                if place == 0:  # the others still have their evidence cards
                    raise
        calibration = Calibration(
            id=uuid.uuid4().hex[:8],
            created=time.time(),
            questions=len(rows),
            source=f"{len(self._questions)} questions",
            models={t.name: t.model_name for t in self._tiers},
            encoder=self._services.embedder.identity if self._services.embedder is not None else "",
            prompt=prompt_id(),
            drafts={name: fit.stages for name, fit in fits.items()},
            figures=told,
        )
        return Outcome(calibration, fits, tuple(rows), skipped)


def _right(question: LabelledQuestion, tier: str, texts: dict[str, str], top: str, embedder: Embedder | None) -> float:
    """How good a tier's answer is: as recorded, else by the gold, else by agreement with the largest tier."""
    if tier in question.right:
        return float(question.right[tier])
    if question.gold is not None:
        return float(grade(texts[tier], question.gold, question.grade))
    if tier == top:
        return 1.0
    return agrees(texts[tier], texts[top], embedder)
