"""Names that every model takes: letters, digits, ``_`` and ``-``, at most 64."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from hashlib import sha256

LONGEST = 64
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
_OTHER = re.compile(r"[^a-zA-Z0-9_-]+")
_HASH = 6


def is_name(text: str) -> bool:
    """Whether a text can be a tool's name as it is."""
    return _NAME.fullmatch(text) is not None


def safe_name(text: str) -> str:
    """A name made of ``text``: accents dropped, everything else that is not allowed one ``_``; never empty.

    A name that is too long keeps its beginning and gets a hash of the whole, so that two of them stay two.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _OTHER.sub("_", plain).strip("_-") or "tool"
    if name[0].isdigit():
        name = f"_{name}"
    return _fitted(name, text)


def prefixed_name(prefix: str, name: str) -> str:
    """``prefix`` and ``name`` joined, within the allowed length."""
    joined = f"{prefix}{name}"
    return _fitted(joined, joined)


def distinct_names(wanted: Iterable[str], make: Callable[[str], str] = safe_name) -> dict[str, str]:
    """A safe name for each wanted one, no two alike; who comes first keeps the plain one.

    Args:
        wanted: different texts, in order.
        make: makes the name of one.

    Returns:
        ``{wanted: name}`` in the same order.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for text in wanted:
        name = plain = make(text)
        number = 2
        while name.casefold() in taken:
            ending = f"_{number}"
            name, number = plain[: LONGEST - len(ending)] + ending, number + 1
        taken.add(name.casefold())
        names[text] = name
    return names


def _fitted(name: str, whole: str) -> str:
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - _HASH - 1]}_{sha256(whole.encode('utf-8', 'replace')).hexdigest()[:_HASH]}"
