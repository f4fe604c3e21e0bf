"""The evidence card of a model by its configured name."""

from __future__ import annotations

from tierwise.errors import UnknownName
from tierwise.models import card
from tierwise.verify.card import CAUTIOUS, EvidenceCard


def evidence_for(model: str) -> EvidenceCard:
    """The evidence card of a model by its configured name; the cautious one for a model that has none."""
    kind, _, name = model.partition(":")
    if kind == "llama":
        try:
            found = card(name)
        except UnknownName:
            return CAUTIOUS
        if found.evidence is not None:
            return EvidenceCard.from_dict(found.evidence)
    return CAUTIOUS
