"""Titles of threads: the essence of the first question, without a model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tierwise.words import content_words

LONGEST = 60
"""Characters of a title."""
MOST_READ = 2000
"""Characters of a message that are looked at."""
_GREETING = (
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|thanks?(?: you)?|please|ok(?:ay)?|well|so|sorry)"
    r"(?: there)?"
)
_LEAD = re.compile(
    rf"^(?:{_GREETING}\b[\s,.!:;-]*"
    r"|(?:(?:can|could|would|will) you(?: please)?|please) (?:tell me|explain(?: to me)?|help me(?: to)?)\b[\s,:]*"
    r"|(?:can|could|would|will) you(?: please)?\b[\s,]*"
    r"|i(?:'d| would) like to (?:know|ask)\b[\s,:]*|i (?:want|need) to know\b[\s,:]*"
    r"|i have (?:a|one|another) (?:quick )?question\b[^.?!:\n]*[.!:,]?\s*|(?:quick )?question:\s*|tell me\b[\s,:]*)+",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?](?=\s|$)|\n\s*\n|\n(?!\s*[a-z])")


def title_of(questions: Iterable[str]) -> str:
    """A title of at most 60 characters from a thread's first questions.

    The first that says something gives it; a greeting does not. Without one it is the first words, as they stand.

    Args:
        questions: oldest first.
    """
    first = ""
    for question in questions:
        text = question[:MOST_READ].strip()
        first = first or text
        if essence := _essence(text):
            return _cut(essence)
    return _cut(" ".join(first.split()))


def _essence(text: str) -> str:
    """The first question of a text, or its first sentence, without what only opens a conversation."""
    rest, sentences, at = _LEAD.sub("", text), [], 0
    for end in _END.finditer(rest):
        sentences.append(rest[at : end.end()])
        at = end.end()
    sentences = [one for one in (" ".join(s.split()) for s in (*sentences, rest[at:])) if any(map(str.isalnum, one))]
    if not sentences:
        return ""
    # "What can I do?" says nothing of the matter.
    asked = next((s for s in sentences if s.endswith("?") and content_words(s)), sentences[0])
    asked = _LEAD.sub("", asked).rstrip(" .!:;,")
    return asked if " ".join(text.split()).startswith(asked) else asked[:1].upper() + asked[1:]


def _cut(text: str) -> str:
    """A text that is not too long, cut between words where there are any."""
    if len(text) <= LONGEST:
        return text
    head = text[: LONGEST - 1]
    space = head.rfind(" ")
    return (head[:space] if space > LONGEST // 2 else head).rstrip(" ,;:-") + "\u2026"
