"""Which addresses an answer may link to, and what must stand beside such a link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?)+")
_MAIL = re.compile(r"mailto:[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+(?:\?.*)?", re.IGNORECASE)
_LONGEST = 2000
# In an address these would end it, or begin something else.
_AS_IT_IS = "/?#=+,;%@~-._&:"
_NAMES_A_PLACE = re.compile(r"://|\bwww\.|^\s*(?:[\w-]+\.)+[^\W\d_]{2,}(?:[/:?#]\S*)?\s*$", re.IGNORECASE)
_BARE = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TRAILING = "?!.,:;*_~'\"$|\u2019\u201d`"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that a link may lead to.

    Attributes:
        written: in plain ASCII, as the browser will read it.
        host: who is asked when it is opened.
        carries: it has a part that hands data over.
    """

    written: str
    host: str
    carries: bool


@lru_cache(maxsize=1024)
def address_of(href: str) -> Address | None:
    """The address a link may lead to: http, https or mailto, without a user's name; ``None`` for any other."""
    if len(href) > _LONGEST or any(c.isspace() or not c.isprintable() or c == "\\" for c in href):
        return None
    try:
        parts = urlsplit(href)
        if parts.scheme == "mailto":
            return Address(_written(href), href[7:].split("?")[0], "?" in href) if _MAIL.fullmatch(href) else None
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError:  # not an address, or a host that cannot be one
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not _HOST.fullmatch(host):
        return None
    rest = href.split("//", 1)[1][len(parts.netloc) :]
    place = host if port is None else f"{host}:{port}"
    return Address(f"{parts.scheme}://{place}{_written(rest)}", place, bool(parts.query or parts.fragment))


def names_itself(label: str, address: Address) -> bool:
    """Whether the text of a link is the address, or the host, and nothing else."""
    shown = label.strip().casefold()
    whole = address.written.casefold()
    return shown in (whole, whole.rstrip("/"), address.host, whole.split("://", 1)[-1].rstrip("/"))


def names_a_place(label: str) -> bool:
    """Whether the text of a link reads as an address."""
    return bool(_NAMES_A_PLACE.search(label))


def bare_addresses(text: str) -> list[tuple[int, int]]:
    """Where addresses stand in a text, without the punctuation of the sentence after them."""
    return [(found.start(), found.start() + _length(found[0])) for found in _BARE.finditer(text)]


def _length(found: str) -> int:
    while found:
        if found[-1] in _TRAILING or (found[-1] in ")]}" and found.count(found[-1]) > found.count(_OPENS[found[-1]])):
            found = found[:-1]
        else:
            break
    return len(found)


_OPENS = {")": "(", "]": "[", "}": "{"}


def _written(part: str) -> str:
    return quote(part, safe=_AS_IT_IS).replace(":material/", "%3Amaterial/")
