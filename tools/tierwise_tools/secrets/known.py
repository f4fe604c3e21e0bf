"""Secrets whose values are known: those that stand in the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from tierwise_tools.secrets.named import is_secret_name

_SHORTEST = 8
_URL_PASSWORD = re.compile(r"://[^\s/:@]*:([^\s/]{4,})@")
_named: set[str] = set()


def remember_variables(names: Iterable[str | None]) -> None:
    """From now on the values of these variables of the environment are known secrets, whatever their names say."""
    _named.update(name for name in names if name)


def known_secrets() -> tuple[str, ...]:
    """Values in the environment that are secret: by the names of their variables, or because they were remembered."""
    found: dict[str, None] = {}
    for name, value in os.environ.items():
        if name in _named or _is_secret_name(name):
            found.update(dict.fromkeys(forms_of(value) if name in _named else _strong_forms(value)))
        elif "://" in value and "@" in value:
            found.update(dict.fromkeys(form for part in _URL_PASSWORD.findall(value) for form in _strong_forms(part)))
    return tuple(found)


@lru_cache(maxsize=512)
def forms_of(value: str) -> tuple[str, ...]:
    """A secret as it is written here and there: as it is, in JSON, in an address; of one with many lines, each line."""
    parts = [line.strip() for line in value.splitlines()] if "\n" in value else [value]
    shortest = 16 if len(parts) > 1 else 4
    found: dict[str, None] = {}
    for part in parts:
        if len(part) >= shortest and not (len(parts) > 1 and part.startswith("-----")):
            found.update(dict.fromkeys((part, json.dumps(part)[1:-1], quote(part, safe=""))))
    return tuple(found)


@lru_cache(maxsize=512)
def _strong_forms(value: str) -> tuple[str, ...]:
    """The forms of a value, none if it may as well be a word that stands in any text."""
    if len(value) < _SHORTEST or value.startswith(("/", "./")):
        return ()
    if len(value) < 16 and (value.islower() or value.isupper()) and value.isalpha():
        return ()
    return forms_of(value)


_is_secret_name = lru_cache(maxsize=4096)(is_secret_name)
