"""What a setting would have changed in the turns of a period, read once for each state of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from tierwise.errors import TierwiseError
from tierwise.routing import CurvePoint, Replay
from tierwise.types import Wish
from tierwise.wish import WORDS
from tierwise_app.replays import line_to_try
from tierwise_app.web.desk import desk
from tierwise_app.web.insights.history import history

if TYPE_CHECKING:
    from tierwise import Settings
    from tierwise.routing import Calibration


@dataclass(frozen=True)
class InForce:
    """The calibration that drafts are judged by.

    Attributes:
        found: the one in the home folder, ``None`` without one.
        problem: why it is not used, if it is not.
    """

    found: Calibration | None = None
    problem: str | None = None

    @property
    def used(self) -> Calibration | None:
        """The calibration, if it is used."""
        return self.found if self.problem is None else None


@dataclass(frozen=True)
class Tried:
    """What a setting comes to.

    Attributes:
        replay: what it would have changed.
        threshold: the chance of being right below which drafts go up, where it is one number.
        at: where it stands on the curve; ``None`` if no turn can be looked at.
    """

    replay: Replay
    threshold: float | None
    at: CurvePoint | None


def calibration_in_force() -> InForce:
    """The calibration of the home folder; read again when its file or the configuration changes."""
    settings = desk().settings
    file = settings.home / "calibration.json"
    try:
        stat = file.stat()
    except OSError:
        return InForce()
    made_for = repr((settings.tiers, settings.embedder))
    return _calibration(str(file), stat.st_mtime_ns, stat.st_size, made_for, settings)


@st.cache_resource(show_spinner=False, max_entries=4)
def _calibration(file: str, changed: int, size: int, made_for: str, _settings: Settings) -> InForce:
    from tierwise.runtime import configured_calibration

    try:
        return InForce(*configured_calibration(_settings))
    except TierwiseError as error:
        return InForce(None, str(error))


def try_setting(wish: Wish, start: float | None, calibration: Calibration | None) -> Tried:
    """What a wish would have changed since ``start`` (seconds since 1970)."""
    version, cheapest, judged_by = _state(calibration)
    return _tried(wish, start, version, cheapest, judged_by, calibration)


def curve_of(start: float | None, calibration: Calibration | None) -> tuple[list[CurvePoint], dict[str, CurvePoint]]:
    """The curve of a period, and where the words of the dial stand."""
    points = _curve(start, *_state(None))
    tried = {word: try_setting(word, start, calibration).at for word in WORDS}
    return points, {word: at for word, at in tried.items() if at is not None}


def _state(calibration: Calibration | None) -> tuple[object, str, str | None]:
    """What a sum over the records hangs on, beside the period."""
    copilot = desk().copilot
    return copilot.record.version(), copilot.tiers[0].name, calibration.id if calibration else None


@st.cache_data(show_spinner=False, max_entries=64)
def _tried(
    wish: Wish, start: float | None, version: object, cheapest: str, judged_by: str | None, _calibration: Any
) -> Tried:
    from tierwise.routing import point, replay

    turns = history(start)
    line, threshold = line_to_try(turns, wish, cheapest=cheapest, calibration=_calibration)
    return Tried(replay(turns, cheapest=cheapest, line=line), threshold, point(turns, cheapest=cheapest, line=line))


@st.cache_data(show_spinner=False, max_entries=16)
def _curve(start: float | None, version: object, cheapest: str, judged_by: str | None) -> list[CurvePoint]:
    from tierwise.routing import curve

    return curve(history(start), cheapest=cheapest)
