"""The SDK's front door: copilots, synchronous and asynchronous, and what calibrates them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tierwise.runtime.async_copilot import AsyncCopilot
from tierwise.runtime.copilot import Copilot

if TYPE_CHECKING:
    from tierwise.runtime.calibrate import LEAST_QUESTIONS, Calibrator, Estimate, Outcome, Progress
    from tierwise.runtime.calibrated import configured_calibration
    from tierwise.runtime.improve import Improvable
    from tierwise.runtime.live_pair import LivePair, measure_pair
    from tierwise.runtime.options import AgainOptions, AskOptions, Decision
    from tierwise.runtime.own_turns import turn_questions
    from tierwise.runtime.pair_report import pair_figures
    from tierwise.runtime.question_file import LabelledQuestion, read_questions
    from tierwise.runtime.replaying import dial_line
    from tierwise.runtime.toolbelt import BUILT_IN, NEEDS_ROOT, PINS, make_shelf
    from tierwise.runtime.turn import new_thread_id

# A turn needs none of these: they are loaded when they are used.
_LAZY = {
    "AgainOptions": "options",
    "AskOptions": "options",
    "BUILT_IN": "toolbelt",
    "Calibrator": "calibrate",
    "Decision": "options",
    "Estimate": "calibrate",
    "Improvable": "improve",
    "LEAST_QUESTIONS": "calibrate",
    "LabelledQuestion": "question_file",
    "LivePair": "live_pair",
    "NEEDS_ROOT": "toolbelt",
    "Outcome": "calibrate",
    "PINS": "toolbelt",
    "Progress": "calibrate",
    "configured_calibration": "calibrated",
    "dial_line": "replaying",
    "make_shelf": "toolbelt",
    "measure_pair": "live_pair",
    "new_thread_id": "turn",
    "pair_figures": "pair_report",
    "read_questions": "question_file",
    "turn_questions": "own_turns",
}

__all__ = [
    "BUILT_IN",
    "LEAST_QUESTIONS",
    "NEEDS_ROOT",
    "PINS",
    "AgainOptions",
    "AskOptions",
    "AsyncCopilot",
    "Calibrator",
    "Copilot",
    "Decision",
    "Estimate",
    "Improvable",
    "LabelledQuestion",
    "LivePair",
    "Outcome",
    "Progress",
    "configured_calibration",
    "dial_line",
    "make_shelf",
    "measure_pair",
    "new_thread_id",
    "pair_figures",
    "read_questions",
    "turn_questions",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
