"""The router before any local calibration: it measures, and predicts nothing."""

from __future__ import annotations

from tierwise.routing.base import Question
from tierwise.routing.features import retrieval_features, surface_features
from tierwise.types import Assessment, Reason


class RuleRouter:
    """A :class:`~tierwise.routing.base.Router` that reports features and no chance of success.

    Predictors made from the prompt alone do not carry over to other people's questions; so until one is calibrated on
    local ones, every question is drafted on the cheapest tier that may, and the evidence in the draft decides.
    """

    async def assess(self, question: Question) -> Assessment:
        """Features of the wording and of retrieval; ``p_good`` stays empty."""
        return Assessment(
            reasons=(
                Reason("uncalibrated_routing", "No local calibration yet, so the draft is judged, not the question."),
            ),
            features=measure(question),
        )


def measure(question: Question) -> dict[str, float]:
    """All that can be told of a question without a model: its wording, what was found for it, the thread."""
    return {
        **surface_features(question.text),
        **retrieval_features(question.text, question.passages),
        "history": float(len(question.history)),
    }
