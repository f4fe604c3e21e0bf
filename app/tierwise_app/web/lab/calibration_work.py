"""Calibrating beside the page: what it would take, then the work itself. Nothing here draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from tierwise import TierwiseError
from tierwise.runtime import Estimate, turn_questions
from tierwise_app.web.desk import desk
from tierwise_app.web.insights.history import history
from tierwise_app.web.words import raw

if TYPE_CHECKING:
    from tierwise.runtime import LabelledQuestion, Progress
    from tierwise_app.web.jobs import Job

T = TypeVar("T")
ESTIMATE, CALIBRATE = "calibration-estimate", "calibration"


class _StoppedByPerson(Exception):
    """Ends the work between two answers."""


@dataclass(frozen=True)
class Planned:
    """What a calibration would take, and on which questions."""

    estimate: Estimate
    questions: tuple[LabelledQuestion, ...]


@dataclass(frozen=True)
class Done:
    """How a calibration ended: stopped by the person, or in force with so many questions left out."""

    stopped: bool = False
    skipped: int = 0
    why: str = ""


def usable(start: float | None) -> int:
    """How many turns of a period can teach anything."""
    copilot = desk().copilot
    return _usable(start, copilot.record.version(), tuple(tier.name for tier in copilot.tiers))


@st.cache_data(show_spinner=False, max_entries=8)
def _usable(start: float | None, version: object, tiers: tuple[str, ...]) -> int:
    return len(turn_questions(history(start), desk().copilot.tiers))


def begin_estimate(start: float | None, most: int) -> Job:
    """Find out what calibrating on the latest questions takes; a few drafts are timed for it, on this device only."""

    def work(job: Job) -> Planned:
        job.tell(raw("lab.calibrate.timing"))
        copilot = desk().copilot
        questions = tuple(turn_questions(copilot.record.records(start), copilot.tiers)[-most:])
        return Planned(_unpacked(copilot.calibrator(questions).estimate), questions)

    return desk().jobs.start(ESTIMATE, raw("lab.calibrate.title"), work)


def begin_calibration(questions: Sequence[LabelledQuestion]) -> Job:
    """Let every tier answer the questions, learn from it, and put the result in force."""

    def work(job: Job) -> Done:
        def tell(step: Progress) -> None:
            if not job.wanted:
                raise _StoppedByPerson
            words = raw("lab.calibrate.progress", tier=step.tier, done=f"{step.done:,}", total=f"{step.total:,}")
            job.tell(words, step.done / step.total if step.total else None)

        calibrator = desk().copilot.calibrator(questions)
        try:
            outcome = _unpacked(lambda: calibrator.run(tell))
        except _StoppedByPerson:
            return Done(stopped=True)
        if not job.wanted:
            return Done(stopped=True)
        calibrator.save(outcome)
        desk().reopen()
        return Done(skipped=len(outcome.skipped), why=next(iter(outcome.skipped.values()), ""))

    return desk().jobs.start(CALIBRATE, raw("lab.calibrate.title"), work)


def _unpacked(work: Callable[[], T]) -> T:
    """Run work of several tasks; of what they raise together, the part that says something to a person."""
    try:
        return work()
    except ExceptionGroup as group:
        found = list(_leaves(group))
        first = next((error for error in found if isinstance(error, TierwiseError | _StoppedByPerson)), found[0])
        raise first from None


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
