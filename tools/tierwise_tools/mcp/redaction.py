"""Keys and passwords taken out of what a server wrote before anyone reads it."""

from __future__ import annotations

from collections.abc import Iterable

from tierwise_tools.secrets import RedactingStream, Redaction

_LONGEST = 100_000
_SHORTEST_SECRET = 6


def redacted(text: str, secrets: Iterable[str]) -> str:
    """``text`` without the given secrets and without whatever looks like a key.

    Args:
        text: from a server; the first 100,000 characters are looked at, and the rest is left out.
        secrets: values that the server was given; very short ones are no secrets and stay.
    """
    return _redaction(secrets)(text[:_LONGEST])


def redacting(secrets: Iterable[str]) -> RedactingStream:
    """As :func:`redacted`, for what comes in pieces."""
    return RedactingStream(_redaction(secrets))


def _redaction(secrets: Iterable[str]) -> Redaction:
    return Redaction(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)
