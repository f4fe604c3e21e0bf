"""What a user thinks of an answer: a thumb, and perhaps why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from tierwise.errors import InvalidInput

Thumb = Literal["up", "down"]
_LONGEST = 500  # characters of a reason
_FORM = re.compile(r"(up|down)(?:\s*:\s*(\S.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A judgement of an answer; ``str()`` of it is what the record keeps: ``up``, ``down: too long``."""

    thumb: Thumb
    reason: str = ""

    @classmethod
    def read(cls, text: str) -> Feedback:
        """Read ``up`` or ``down``, with a reason after a colon if there is one; white space is evened out.

        Raises:
            InvalidInput: if it says something else, or the reason is too long or no text.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            said = " ".join(text.split())[:40]
            raise InvalidInput(
                f"The feedback is {said!r}." if said else "The feedback is empty.",
                fix='Say up or down, with a reason if there is one: "down: too long".',
            )
        reason = " ".join((match[2] or "").split())
        if len(reason) > _LONGEST:
            raise InvalidInput(
                f"The reason has {len(reason):,} characters; {_LONGEST} are kept.", fix="Say it in a sentence."
            )
        if any("\ud800" <= char <= "\udfff" for char in reason):
            raise InvalidInput("The reason is not text.", fix="Write it in whole characters.")
        return cls(cast(Thumb, match[1].lower()), reason)

    def __str__(self) -> str:
        return f"{self.thumb}: {self.reason}" if self.reason else self.thumb


def disliked(feedback: str | None) -> bool:
    """Whether stored feedback is a thumb down."""
    return feedback is not None and feedback.lower().startswith("down")


def liked(feedback: str | None) -> bool:
    """Whether stored feedback is a thumb up."""
    return feedback is not None and feedback.lower().startswith("up")
