"""The SDK's front door: copilots, synchronous and asynchronous."""

from tierwise.runtime.async_copilot import AsyncCopilot
from tierwise.runtime.calibrate import Calibrator, Estimate, Outcome, Progress
from tierwise.runtime.calibrated import configured_calibration
from tierwise.runtime.copilot import Copilot
from tierwise.runtime.live_pair import LivePair, measure_pair
from tierwise.runtime.pair_figures import pair_figures
from tierwise.runtime.question_file import LabelledQuestion, read_questions
from tierwise.runtime.replaying import dial_line
from tierwise.runtime.turn_questions import turn_questions

__all__ = [
    "AsyncCopilot",
    "Calibrator",
    "Copilot",
    "Estimate",
    "LabelledQuestion",
    "LivePair",
    "Outcome",
    "Progress",
    "configured_calibration",
    "dial_line",
    "measure_pair",
    "pair_figures",
    "read_questions",
    "turn_questions",
]
