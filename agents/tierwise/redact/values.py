"""Secrets in values made of JSON: in every text, and in what a key names as a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tierwise_tools.secrets import LEFT_OUT, is_named_secret


def redact_value(value: Any, text: Callable[[str], str]) -> Any:
    """A value with ``text`` called on each of its texts, keys included; the same object if nothing changes.

    Args:
        value: made of dict, list, tuple, str and numbers; anything else stays as it is.
        text: takes secrets out of one text.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        changed = {_key(key, text): _named(key, one, text) for key, one in value.items()}
        same = all(old is new for old, new in zip(value.values(), changed.values(), strict=False))
        return value if same and list(changed) == list(value) else changed
    if isinstance(value, list | tuple):
        new = [redact_value(one, text) for one in value]
        if all(one is other for one, other in zip(value, new, strict=True)):
            return value
        return new if isinstance(value, list) else tuple(new)
    return value


def _key(key: Any, text: Callable[[str], str]) -> Any:
    return text(key) if isinstance(key, str) else key


def _named(key: Any, value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(key, str) and isinstance(value, str) and is_named_secret(key, value):
        return value if value == LEFT_OUT else LEFT_OUT
    return redact_value(value, text)
