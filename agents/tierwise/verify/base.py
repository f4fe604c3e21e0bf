"""The protocol of whatever checks a draft."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tierwise.types import Dial, Draft, Verdict


@runtime_checkable
class Verifier(Protocol):
    """Checks a draft. It may raise: a verifier that fails never fails the turn (the draft is then accepted, marked)."""

    async def verify(self, draft: Draft, *, dial: Dial = "balanced") -> Verdict:
        """Accept, escalate or give up, with the reasons that made it so."""
        ...
