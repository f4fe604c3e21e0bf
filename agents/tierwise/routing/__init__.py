"""Routing: features of a question, its assessment, and the choice of a tier."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tierwise.routing.budget import day_and_month
from tierwise.routing.choose import TierState, choose, escalation, resolve
from tierwise.routing.curve import CurvePoint, curve, point
from tierwise.routing.features import conversation_features, retrieval_features, surface_features
from tierwise.routing.replay import Line, Replay, below, replay, threshold_for
from tierwise.routing.rules import RuleRouter
from tierwise.routing.thread.leaning import leans_back
from tierwise.routing.thread.overruling import direction
from tierwise.routing.thread.staying import Stay, stay, task_above

if TYPE_CHECKING:
    from tierwise.routing.calibration.stages import Calibration, load_calibration
    from tierwise.routing.recorded.evaluate import Evaluation, Figure, Proof, prove
    from tierwise.routing.recorded.evaluate import evaluate as evaluate_scores
    from tierwise.routing.recorded.gain_model import GainModel, Prediction
    from tierwise.routing.recorded.tables import (
        Prompts,
        Table,
        read_prompts,
        read_responses,
        read_scores,
        read_table,
        write_scores,
    )
    from tierwise.routing.recorded.tables import join as join_responses
    from tierwise.routing.recorded.train import train as train_gain_model

__all__ = [
    "Calibration",
    "CurvePoint",
    "Evaluation",
    "Figure",
    "GainModel",
    "Line",
    "Prediction",
    "Prompts",
    "Proof",
    "Replay",
    "RuleRouter",
    "Stay",
    "Table",
    "TierState",
    "below",
    "choose",
    "conversation_features",
    "curve",
    "day_and_month",
    "direction",
    "escalation",
    "evaluate_scores",
    "join_responses",
    "leans_back",
    "load_calibration",
    "point",
    "prove",
    "read_prompts",
    "read_responses",
    "read_scores",
    "read_table",
    "replay",
    "resolve",
    "retrieval_features",
    "stay",
    "surface_features",
    "task_above",
    "threshold_for",
    "train_gain_model",
    "write_scores",
]

# Routing learned on tables of recorded results needs numpy: its names are loaded when they are used.
_LEARNED = {
    "Calibration": ("calibration.stages", "Calibration"),
    "load_calibration": ("calibration.stages", "load_calibration"),
    "Evaluation": ("recorded.evaluate", "Evaluation"),
    "Figure": ("recorded.evaluate", "Figure"),
    "GainModel": ("recorded.gain_model", "GainModel"),
    "Prediction": ("recorded.gain_model", "Prediction"),
    "Proof": ("recorded.evaluate", "Proof"),
    "Prompts": ("recorded.tables", "Prompts"),
    "Table": ("recorded.tables", "Table"),
    "evaluate_scores": ("recorded.evaluate", "evaluate"),
    "join_responses": ("recorded.tables", "join"),
    "prove": ("recorded.evaluate", "prove"),
    "read_prompts": ("recorded.tables", "read_prompts"),
    "read_responses": ("recorded.tables", "read_responses"),
    "read_scores": ("recorded.tables", "read_scores"),
    "read_table": ("recorded.tables", "read_table"),
    "train_gain_model": ("recorded.train", "train"),
    "write_scores": ("recorded.tables", "write_scores"),
}


def __getattr__(name: str) -> Any:
    if name not in _LEARNED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own = _LEARNED[name]
    return getattr(importlib.import_module(f"{__name__}.{module}"), own)
