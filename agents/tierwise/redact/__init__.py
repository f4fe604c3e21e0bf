"""Takes secrets, and personal data if that is wished, out of text before it reaches a log, an error or a record."""

from __future__ import annotations

from tierwise.redact.logs import install
from tierwise.redact.personal import personal_spans
from tierwise.redact.values import redact_value
from tierwise_tools.secrets import LEFT_OUT, Redaction, is_secret_name, remember_variables, replaced
from tierwise_tools.secrets import RedactingStream as _Stream

__all__ = [
    "LEFT_OUT",
    "RedactingStream",
    "Redaction",
    "install",
    "is_secret_name",
    "redact",
    "redact_value",
    "redaction",
    "remember_variables",
    "replaced",
]


def redaction(*secrets: str, personal: bool = False) -> Redaction:
    """What takes secrets out of texts, for more than one text; see :func:`redact`."""
    return Redaction(secrets, also=personal_spans if personal else None)


def redact(text: str, *secrets: str, personal: bool = False) -> str:
    """Replace what looks like a key, token or password by ``[redacted]``.

    So is every value of the environment that is a secret: by the name of its variable, or because a tier names that
    variable in ``api_key_env``.

    Args:
        text: any text.
        secrets: more values known to be secret (for example the key in use); replaced wherever they stand.
        personal: also what tells who somebody is, or where: addresses, numbers of phones, cards, accounts and papers,
            places. Names of people are not found.
    """
    return redaction(*secrets, personal=personal)(text)


class RedactingStream(_Stream):
    """:func:`redact` for a text that comes in pieces, wherever they are cut.

    ``feed(piece)`` gives what can be shown by now, ``rest()`` what was held back: the last line, of a very long one the
    last 68 kB, and a private key until its end. Together they are what ``redact`` makes of the whole text.

    Args:
        secrets: values known to be secret.
        personal: as in :func:`redact`.
    """

    def __init__(self, *secrets: str, personal: bool = False) -> None:
        super().__init__(redaction(*secrets, personal=personal))
