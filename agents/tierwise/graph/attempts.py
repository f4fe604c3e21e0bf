"""From a draft in the state to an attempt in the record."""

from __future__ import annotations

from tierwise.graph.context import Services
from tierwise.graph.state import Json
from tierwise.graph.step import cost_of
from tierwise.jsonable import from_json
from tierwise.turns import Attempt
from tierwise.types import AttemptOutcome, Usage


def finished_attempt(services: Services, draft: Json, outcome: AttemptOutcome, error: str | None = None) -> Attempt:
    """The attempt a draft came from, for the record."""
    tier = services.tier(draft["tier"])
    usage = from_json(Usage, draft["usage"]) + from_json(Usage, draft["look_usage"])
    return from_json(
        Attempt,
        {
            "n": draft["attempt"],
            "tier": tier.name,
            "model_requested": tier.model_name,
            "model_served": draft["model_served"],
            "outcome": outcome,
            "text": draft["text"],
            "p_good": draft.get("p_good"),
            "reasons": draft.get("reasons", []),
            "usage": usage,
            "cost_usd": cost_of(tier, usage),
            "ms": draft["ms"],
            "first_token_ms": draft["first_token_ms"],
            "error": error,
            "work": draft["work"],
            "prompt": draft.get("prompt", {}),  # a turn that has waited since an older version has none
            "on_device": tier.stays_on_device,
        },
    )
