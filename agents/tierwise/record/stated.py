"""What a user told about himself, or asked to be kept in mind: "My budget is 300", "call me Ana".

Plain rules for English, with the commonest forms of a few neighbours. They only decide what is kept longest when a
thread gets too long to be read whole.
"""

from __future__ import annotations

import re
from functools import lru_cache

_MOST_READ = 4000  # characters of a message; what people tell of themselves stands in the first lines
_MOST = 3  # sentences of one message
_LONGEST = 160  # characters of a sentence

_SENTENCE = re.compile(r"[^.!?\n]*(?:[.](?=\S)[^.!?\n]*)*[.!?]*")
_STATES = re.compile(
    r"\b(?:my|our) (?:[\w'-]+ ){1,4}?(?:is|are|was|has|have|costs?|begins?|starts?|ends?)\b"
    r"|\bi was born\b|\b(?:i am|i'm|we are|we're)"
    r" (?!(?:asking|wondering|trying|looking|going|not sure|sure|sorry|curious|confused)\b)"
    r"|\bi (?:live|work|study|moved|prefer|like|love|hate|own|earn|weigh|speak|use|never|always|only|don't|can't)\b"
    r"|\b(?:i|we) (?:have|need|want) (?!(?:a |another |one |some |the )?(?:questions?|problem|idea|help|look)\b"
    r"|to (?:know|ask|understand|see|find)\b|you\b|been\b)"
    r"|\b(?:call me|remember|(?:don't|do not) forget|keep in mind|from now on|for the record|i am called|note that)\b"
    r"|\b(?:ich heiße|ich bin|ich wohne|mein(?:e)? \w+ (?:ist|sind)|merk dir|je m'appelle|je suis|j'habite"
    r"|mon \w+ est|ma \w+ est|me llamo|soy|vivo en|mi \w+ es|mi chiamo|sono|abito)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"^(?:hi|hello|hey)?[\s,!]*((?:my|our|i|i'm|we|we're)\b[^,;?]*)[,;].*\?", re.IGNORECASE)


def stated_in(message: str) -> tuple[str, ...]:
    """The sentences of a message that tell of the user, in order; questions tell nothing.

    Args:
        message: the user's.

    Returns:
        At most three, in one line each.
    """
    return _stated_in(message[:_MOST_READ].replace("\u2019", "'"))


@lru_cache(maxsize=1024)
def _stated_in(message: str) -> tuple[str, ...]:
    found = []
    for match in _SENTENCE.finditer(message):
        sentence = " ".join(match[0].split())
        if sentence.endswith("?"):
            # "My budget is 300, what can I get?"
            clause = _CLAUSE.match(sentence)
            sentence = f"{clause[1].strip()}." if clause is not None else ""
        if sentence and len(sentence) <= _LONGEST and _STATES.search(sentence):
            found.append(sentence)
    return tuple(found[:_MOST])


def stated_lines(message: str) -> str | None:
    """:func:`stated_in` as it is stored: one sentence a line, ``None`` if there is none."""
    return "\n".join(stated_in(message)) or None
