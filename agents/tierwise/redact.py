"""Takes secrets out of text before it reaches a log, an error or a record."""

from __future__ import annotations

import re

_PATTERNS = (
    re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bAIza[0-9A-Za-z_-]{30,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{12,}"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
)
# A value that is named as a secret, in JSON (also JSON within a text of JSON), TOML, headers, addresses and the like.
_NAMED = re.compile(
    r"""(?ix) ( (?<![a-z]) (?: [a-z]*[_-] )? (?: api[_-]?key | (?: access|auth|refresh|bearer|id )[_-]?token | token
    | secret(?:[_-]?key)? | client[_-]?secret | password | passwd | private[_-]?key )
    \\* ["']? \s* [:=] \s* \\* ["']? ) (?! \[redacted\] | (?<!["']) [\d.]+ (?: [^\w.] | $ ) ) [^\s"',;&}\])\\]{8,}"""
)


def redact(text: str, *secrets: str) -> str:
    """Replace what looks like a key, token or password by ``[redacted]``.

    Args:
        text: any text.
        secrets: values known to be secret (for example the key in use); replaced wherever they stand.
    """
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[redacted]")
    for pattern in _PATTERNS:
        text = pattern.sub("[redacted]", text)
    return _NAMED.sub(r"\1[redacted]", text)
