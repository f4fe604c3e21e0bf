"""What drafts depend on beside the question."""

from __future__ import annotations

import hashlib

from tierwise.graph.prompt import SYSTEM


def prompt_id() -> str:
    """A short hash of the system text: drafts under another one have other evidence."""
    return hashlib.sha256(SYSTEM.encode()).hexdigest()[:12]
