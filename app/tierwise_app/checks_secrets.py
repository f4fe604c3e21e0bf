"""The check of what is stored: does it hold secrets that would be left out today?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from tierwise.errors import TierwiseError
from tierwise_app.checks import Check, failed
from tierwise_app.text import plural

if TYPE_CHECKING:
    from tierwise.config import Settings

_TRACERS = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


def check_secrets(settings: Settings) -> Iterator[Check]:
    """What is stored of turns, and what asks for tracing."""
    from tierwise.record import Record

    name = "secrets"
    if settings.redact == "nothing":
        yield Check(name, "warn", "stored as they are said", 'Set redact = "secrets" in tierwise.toml.')
        return
    what = "secrets and personal data are" if settings.redact == "personal" else "secrets are"
    try:
        with closing(Record(settings.home, redact=settings.redact)) as record:
            found = len(record.turns_with_secrets())
    except TierwiseError as error:
        yield failed(name, error)
        return
    if found:
        yield Check(name, "warn", f"{plural(found, 'stored turn')} hold what would be left out today",
                    "Run: tierwise threads redact")  # fmt: skip
    else:
        yield Check(name, "ok", f"{what} left out of what is stored")
    if asked := [variable for variable in _TRACERS if os.environ.get(variable, "").lower() in ("1", "true")]:
        yield Check("tracing", "ok", f"{asked[0]} is set and has no effect on turns: they are not traced")
