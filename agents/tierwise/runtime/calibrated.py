"""Putting a calibration to work: the router, the judge and the window that share it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tierwise.config import Settings, Tier
from tierwise.errors import TierwiseError
from tierwise.record import Record
from tierwise.runtime.prompt_id import prompt_id
from tierwise.verify.base import Judge

if TYPE_CHECKING:
    from pathlib import Path

    from tierwise.routing.base import Router
    from tierwise.routing.calibration.stages import Calibration
    from tierwise.routing.dial import Window


@dataclass(frozen=True)
class Calibrated:
    """What a calibration brings to a copilot; nothing of it without one.

    Attributes:
        id: of the calibration.
        router: in place of the rules alone.
        judge: in place of the evidence card.
        windows: by drafting tier, the gains that were expected lately.
        problem: why the calibration in the home folder is not used, if there is one.
    """

    id: str | None = None
    router: Router | None = None
    judge: Judge | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    problem: str | None = None


def use_calibration(home: Path, tiers: Sequence[Tier], encoder: str, record: Record) -> Calibrated:
    """Load the calibration of the home folder, if it is for these tiers.

    One that is damaged, or made for others, costs its own advantage and nothing else.
    """
    try:
        found, problem = find_calibration(home, tiers, encoder)
    except TierwiseError as error:
        return Calibrated(problem=str(error))
    if found is None or problem is not None:
        return Calibrated(problem=problem)
    return with_calibration(found, record)


def find_calibration(home: Path, tiers: Sequence[Tier], encoder: str) -> tuple[Calibration | None, str | None]:
    """The calibration of the home folder, and why it is not used, if it is not.

    Raises:
        StoreError: if the file cannot be read.
        ConfigError: if it is damaged, or of another version.
    """
    from tierwise.routing.calibration.stages import load_calibration

    found = load_calibration(home)
    why = None if found is None else found.mismatch({t.name: t.model_name for t in tiers}, encoder, prompt_id())
    if why is None:
        return found, None
    return found, f"The calibration is not used: {why}. Make it anew: tierwise router calibrate."


def configured_calibration(settings: Settings) -> tuple[Calibration | None, str | None]:
    """As :func:`find_calibration`, for a configuration; no model is opened.

    Raises:
        TierwiseError: if the file cannot be used, or the embedder cannot be.
    """
    from tierwise.models import open_embedder

    with closing(open_embedder(settings.embedder)) as embedder:
        return find_calibration(settings.home, settings.tiers, embedder.identity)


def with_calibration(calibration: Calibration, record: Record) -> Calibrated:
    """The parts that share a calibration; windows begin with the gains that the record has of it."""
    from tierwise.routing.calibration.judge import CalibratedJudge
    from tierwise.routing.calibration.router import CalibratedRouter
    from tierwise.routing.dial import WINDOW, Window

    windows: dict[str, Window] = {}
    for tier, stages in calibration.drafts.items():
        windows[tier] = Window(stages.gains)
        for gain in record.recent_gains(tier, calibration.id, WINDOW):
            windows[tier].note(gain)
    return Calibrated(
        calibration.id, CalibratedRouter(calibration, windows), CalibratedJudge(calibration, windows), windows
    )
