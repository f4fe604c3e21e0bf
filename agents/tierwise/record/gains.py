"""Gains as the window of the dial takes them in, read back from what the record kept."""

from __future__ import annotations

from typing import Any


def noted_gain(told: dict[str, Any], tier: str) -> float | None:
    """The gain that a turn put into the window of a tier's drafts; ``None`` if it put none there.

    A turn that could go nowhere (locked, offline) put none. One that went up ahead of a draft put what was expected
    of the question; one whose draft failed plainly put 1.

    Args:
        told: a decision record as it is stored.
        tier: the drafting tier.
    """
    if told.get("locked") or told.get("offline"):
        return None
    if told.get("stage") == "pre":
        first = next(iter(told.get("reasons", ())), None)
        return float(first["value"]) if first and first["code"] == "gain" and first["value"] is not None else None
    gain = told.get("features", {}).get(f"{tier}.gain")
    if gain is not None:
        return float(gain)
    draft = next((a for a in told.get("attempts", ()) if a["tier"] == tier), None)
    if draft is None or draft["outcome"] != "discarded":
        return None
    return 1.0 if draft.get("p_good") is None and draft["reasons"] else None
