"""An answer's text as Markdown in which nothing comes alive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tierwise_app.web.answer.escaping import MARK_CLOSE, MARK_OPEN, cleaned
from tierwise_app.web.answer.reading import read_blocks
from tierwise_app.web.answer.writing import Writer

# A place in the text, and what is said there: as Markdown of ours, and in plain text.
Mark = tuple[int, str, str]


def safe_markdown(text: str) -> str:
    """Text that is not ours, such as a model's answer, as Markdown for ``st.markdown``.

    Ordinary Markdown looks as it would anyway. Images are not loaded, their source is shown; HTML, icons, colours and
    the other things that Streamlit adds to Markdown are text; links lead to http, https and mailto only, and where to
    is seen. The beginning of a text, cut anywhere, is as safe as the whole.

    Args:
        text: any text.

    Returns:
        Markdown written anew from what was read.
    """
    return _written(text, ())


def marked_markdown(text: str, marks: Sequence[Mark]) -> str:
    """As :func:`safe_markdown`, with marks at places of the text.

    Args:
        text: any text.
        marks: each a place in ``text``, the Markdown to show there, and the same in plain text.
    """
    return _written(text, tuple(marks))


@lru_cache(maxsize=128)
def _written(text: str, marks: tuple[Mark, ...]) -> str:
    pieces, at = [], 0
    for n, (place, _, _) in sorted(enumerate(marks), key=lambda mark: mark[1][0]):
        place = _before_bar(text, place)
        pieces += [cleaned(text[at:place]), f" {MARK_OPEN}{n}{MARK_CLOSE}"]
        at = max(at, place)
    pieces.append(cleaned(text[at:]))
    writer = Writer(lambda n: marks[n][1:])
    return "\n".join(writer.blocks(read_blocks("".join(pieces))))


def _before_bar(text: str, place: int) -> int:
    """The place, or if it is behind the last bar of a table's row, the one before that bar."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    if line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 1:
        return place - len(line) + len(line.rstrip()[:-1].rstrip())
    return place
