"""What a connector gives, looked at before anything is done with it."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from tierwise.knowledge.sources.connector import ConnectorItem, Deleted
from tierwise.knowledge.sources.files import checked_bytes
from tierwise.knowledge.sources.item import Cursor, Item

_LONGEST = {"id": 500, "name": 200, "cursor": 20_000}
_LONGEST_TITLE = 1000
_MOST_WORDS = 1000


class Unusable(ValueError):
    """Something that cannot be taken; ``id`` names the document, if it could be told."""

    def __init__(self, text: str, id_: str | None = None) -> None:
        super().__init__(text)
        self.id = id_


def usable(given: Any) -> ConnectorItem | Deleted | Cursor:
    """What a connector gave, if it is what it should be.

    Raises:
        Unusable: saying what is wrong with it.
    """
    if isinstance(given, Cursor):
        _text(given.value, "cursor", None)
        return given
    if not isinstance(given, ConnectorItem | Deleted):
        raise Unusable(f"It gives a {type(given).__name__}, and not a ConnectorItem, Deleted or Cursor.")
    id_ = _text(given.id, "id", None)
    if isinstance(given, Deleted):
        return given
    _text(given.name, "name", id_)
    if not isinstance(given.title, str | None):
        raise Unusable("Its title is no text.", id_)
    if not isinstance(given.data, bytes | str):
        raise Unusable(f"The data is {type(given.data).__name__}, and not bytes or a text.", id_)
    modified = given.modified
    if modified is not None and not (
        isinstance(modified, int | float) and not isinstance(modified, bool) and math.isfinite(modified)
    ):
        raise Unusable("Its time is no number of seconds.", id_)
    for what in ("labels", "access"):
        words = getattr(given, what)
        # A single text would count letter by letter, and a document that some may read would be open to none or to all.
        if not isinstance(words, frozenset | set | tuple | list) or len(words) > _MOST_WORDS:
            raise Unusable(f"Its {what} are no set of words.", id_)
        for word in words:
            _text(word, what, id_)
    return given


def item_of(given: ConnectorItem, source: str) -> Item:
    """What the ingest takes; whether it changed is told from its content."""
    data = given.data if isinstance(given.data, bytes) else given.data.encode("utf-8", "replace")
    return Item(
        source,
        given.name.replace("\\", "/").rpartition("/")[2] or given.name,
        None,
        partial(checked_bytes, data),
        _one_line(given.title or "") or None,
        given.modified,
        frozenset(given.labels),
        frozenset(given.access),
    )


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST_TITLE]).split())


def _text(value: Any, what: str, id_: str | None) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unusable(f"Its {what} is no text.", id_)
    longest = _LONGEST.get(what, 200)
    if len(value) > longest:
        raise Unusable(f"Its {what} is longer than {longest:,} characters.", id_)
    # One with an end of line, a NUL or half a character could not be stored, printed or found again.
    if not value.isprintable():
        raise Unusable(f"Its {what} holds characters that cannot be seen: {value[:60]!r}.", id_)
    return value
