"""Counts in words."""

from __future__ import annotations

from tierwise_app.web.words import raw


def counted(noun: str, count: int) -> str:
    """``1 passage``, ``3 passages`` as plain text; ``noun`` is a key of ``knowledge.counts``."""
    return raw(f"knowledge.counts.{noun}_one") if count == 1 else raw(f"knowledge.counts.{noun}", count=f"{count:,}")
