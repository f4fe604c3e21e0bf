"""Keys and passwords taken out of a text before anyone reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 100_000
_LEFT_OUT = "[secret]"
_SHORTEST_SECRET = 6
_KEYS = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{8,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{8,}"
    r"|\bAIza[\w-]{20,}"
    r"|\bey[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"
)
_BEARER = re.compile(r"\b(bearer|basic|token)(\s+|\s*[:=]\s*)[A-Za-z0-9._~+/-]{12,}=*", re.IGNORECASE)
# "token: identifier" is found in ordinary messages, so a value after such a word has to have a digit.
_ASSIGNED = re.compile(
    r"\b([\w-]{0,40}(?:passw(?:or)?d|secret)\"?\s*[:=]\s*\"?)[^\s\",;]{6,}"
    r"|\b([\w-]{0,40}(?:api[_-]?key|access[_-]?key|token)\"?\s*[:=]\s*\"?)(?=[^\s\",;]{0,200}\d)[^\s\",;]{8,}",
    re.IGNORECASE,
)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """``text`` without the given secrets and without whatever looks like a key.

    Args:
        text: from a server; the first 100,000 characters are looked at, and the rest is left out.
        secrets: values that the server was given; very short ones are no secrets and stay.
    """
    text = text[:_LONGEST]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, _LEFT_OUT)
    text = _KEYS.sub(_LEFT_OUT, text)
    text = _BEARER.sub(rf"\1\2{_LEFT_OUT}", text)
    return _ASSIGNED.sub(lambda found: f"{found[1] or found[2]}{_LEFT_OUT}", text)
