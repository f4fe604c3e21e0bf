"""Where a text has the words of a question: for showing, not for ranking."""

from __future__ import annotations

import re
import sqlite3

from tierwise.knowledge.search.terms import terms

# Two characters that no text means anything with; a text that has them loses them first.
_OPEN, _SHUT = "\ue000", "\ue001"
_TOKENS = "porter unicode61 remove_diacritics 2"  # as the index of words has it


def matching_words(query: str, text: str) -> list[tuple[int, int]]:
    """Spans of a text that hold words which a search for ``query`` looks for, whatever their endings, in order.

    Args:
        query: the question in words.
        text: any text, such as that of a passage.
    """
    looked_for = " OR ".join(f'"{term.text}"' for term in terms(query.encode("utf-8", "replace").decode()))
    text = text.encode("utf-8", "replace").decode().replace("\0", " ").replace(_OPEN, " ").replace(_SHUT, " ")
    if not looked_for:
        return []
    db = sqlite3.connect(":memory:")
    try:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5(text, tokenize='{_TOKENS}')")
        db.execute("INSERT INTO words VALUES (?)", (text,))
        found = db.execute(
            "SELECT highlight(words, 0, ?, ?) FROM words WHERE words MATCH ?", (_OPEN, _SHUT, looked_for)
        ).fetchone()
    finally:
        db.close()
    spans, marks = [], 0
    for match in re.finditer(f"{_OPEN}(.*?){_SHUT}", found[0] if found else "", re.DOTALL):
        start = match.start() - marks
        spans.append((start, start + len(match[1])))
        marks += 2
    return spans
