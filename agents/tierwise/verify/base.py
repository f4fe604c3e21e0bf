"""The protocols of whatever checks a draft, and of whatever weighs its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from tierwise.types import Draft, Verdict, Wish


@runtime_checkable
class Verifier(Protocol):
    """Checks a draft. It may raise: a verifier that fails never fails the turn (the draft is then accepted, marked)."""

    async def verify(self, draft: Draft, *, dial: Wish = "balanced") -> Verdict:
        """Accept, escalate, give up or ask for a further look, with the reasons that made it so."""
        ...


class Judge(Protocol):
    """Weighs the evidence in a draft that does not fail plainly."""

    def judge(self, draft: Draft, features: Mapping[str, float], wish: Wish) -> Verdict | None:
        """The verdict; ``None`` if it knows nothing about drafts like this."""
        ...
