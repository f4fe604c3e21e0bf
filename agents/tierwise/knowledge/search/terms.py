"""What a question is looked for by: its telling words, its names and numbers, and what it puts in quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_TERMS = 32

_LONGEST_NAME = 200

_QUOTED = re.compile(
    r"\"([^\"\n]{2,200})\"|`([^`\n]{2,200})`|“([^”\n]{2,200})”|«([^»\n]{2,200})»|„([^“”\n]{2,200})[“”]"
)
# Parts that only a machine's names hold together: core.fsmonitor, SQLITE_BUSY, --no-ff, /etc/fstab, a::b, ORA-00942.
_COMPOUND = re.compile(r"(?<!\w)-{0,2}[/.]?\w+(?:(?:[-./:@+\\]|::)\w+)*")
_WORD = re.compile(r"[^\W_]+")
_INNER_CASE = re.compile(r"^[a-z]{2,}[A-Z][a-z]|[a-z][A-Z].*[a-z][A-Z]")  # not those of trades and units: KiB
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        a about an and any are as at be been but by can could did do does for from get had has have how i if
        in into is it its many may me much my no not of on one or our out should so some than that the their
        them then there these they this to up use was we were what when where which while who why will with
        would you your d don didn doesn isn ll m re s t ve
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or several that stand together in this order.

    Attributes:
        text: the words as the question has them, in small letters, one space between them.
        spelling: the very characters that the question means, where it means them: something in quotes, a name with a
            sign or a digit inside.
    """

    text: str
    spelling: str | None = None


def terms(question: str) -> list[Term]:
    """The terms of a question, each once and exact ones first; common words only if there is nothing else.

    A name of several parts is a term of its own beside its parts, so that a passage with one part is found as well.
    """
    exact: list[str] = []
    words: list[str] = []
    for match in _QUOTED.finditer(question):
        exact.append(next(group for group in match.groups() if group))
    for match in _COMPOUND.finditer(question):
        if _is_name(match.group()):
            exact.append(match.group())
        words += _spelt(match.group()).split()
    found: dict[str, str | None] = {text: spelling for spelling in exact if len(text := _spelt(spelling)) > 1}
    telling = [word for word in words if word not in _COMMON]
    for word in telling or (() if found else words):
        found.setdefault(word, None)
    return [Term(text, spelling) for text, spelling in list(found.items())[:MOST_TERMS]]


def _spelt(text: str) -> str:
    return " ".join(_WORD.findall(text)).lower()


def _is_name(text: str) -> bool:
    """Whether only machines spell like this; ``e.g.``, ``write-ahead`` and ``KiB`` are words."""
    if len(text) > _LONGEST_NAME or max((len(part) for part in _WORD.findall(text)), default=0) < 2:
        return False
    if text.startswith(("-", "/")) or "_" in text or _INNER_CASE.search(text) or re.search(r"\w[.:@\\]+\w", text):
        return True
    return any(c.isalpha() for c in text) and any(c.isdigit() for c in text)
