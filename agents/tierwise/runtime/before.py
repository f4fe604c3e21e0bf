"""How the drafts of a calibration would have been decided without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tierwise.fitting.metrics import auroc, curve
from tierwise.routing.calibration.labelled import Labelled
from tierwise.verify.card import EvidenceCard


def before(rows: Sequence[Labelled], tier: str, top: str, card: EvidenceCard) -> dict[str, float]:
    """Share of calls and quality of the evidence card's ``balanced`` line, and how well it tells right from wrong.

    Args:
        rows: labelled questions.
        tier: whose drafts.
        top: the largest tier.
        card: of the drafting tier's model, or the cautious one.
    """
    weak = np.array([row.right[tier] for row in rows])
    strong = np.array([row.right[top] for row in rows])
    # A draft that fails plainly goes up before its chance is asked for; one without evidence is accepted.
    chances = [0.0 if tier in row.failed else (card.p_good(row.drafts[tier]) or 1.0) for row in rows]
    p = np.array(chances)
    called = p < card.line("balanced")
    return {
        "share": float(called.mean()),
        "quality": float(np.where(called, strong, weak).mean()),
        "auroc": auroc(p, weak),
        "apgr": curve(-p, weak, strong).apgr,
    }
