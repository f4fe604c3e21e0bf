"""Which turns a larger tier should have answered, but could not be asked."""

from __future__ import annotations

from collections.abc import Sequence

MISSED: tuple[str, ...] = ("would_escalate", "degraded")
_KEPT = "kept_here"  # a person has said that nothing of the turn leaves


def missed_by(status: str | None, notices: Sequence[str], *, locked: bool) -> str | None:
    """The notice that says that a turn can be answered better once the larger tier can be asked; ``None`` without one.

    Args:
        status: of the turn; only one that is done has an answer to improve.
        notices: codes of its notices.
        locked: a locked turn never leaves the device, so nothing will improve it.
    """
    if status != "done" or locked or _KEPT in notices:
        return None
    return next((code for code in MISSED if code in notices), None)
