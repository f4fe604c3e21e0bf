"""What looks like a secret, and taking it out of texts."""

from __future__ import annotations

from tierwise_tools.secrets.cutting import LEFT_OUT, RedactingStream, Redaction, replaced
from tierwise_tools.secrets.known import known_secrets, remember_variables
from tierwise_tools.secrets.named import is_named_secret, is_secret_name
from tierwise_tools.secrets.patterns import Span

__all__ = [
    "LEFT_OUT",
    "RedactingStream",
    "Redaction",
    "Span",
    "is_named_secret",
    "is_secret_name",
    "known_secrets",
    "remember_variables",
    "replaced",
]
