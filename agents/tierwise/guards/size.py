"""What a message must be before anything is done with it: not empty, not too long, made of real characters."""

from __future__ import annotations

import re
import unicodedata

from tierwise.errors import Blocked, InvalidInput
from tierwise_tools.text import whole_characters

# Control characters other than tab, line feed and carriage return: no keyboard sends them, SQLite's FTS and C strings
# end at NUL, and terminals obey the rest.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def check_question(text: str, limit: int) -> str:
    """Clean a message and make sure that it can be asked.

    Control characters are dropped; halves of surrogate pairs, which no encoding can store, become U+FFFD.

    Args:
        text: what the user wrote.
        limit: characters a message may have.

    Returns:
        The message to work with; otherwise as it was written, outer blanks included.

    Raises:
        InvalidInput: if there is nothing to read in it.
        Blocked: if it is longer than ``limit``.
    """
    cleaned = whole_characters(_CONTROLS.sub("", text))
    if len(cleaned) > limit:
        raise Blocked(
            f"The question has {len(cleaned):,} characters; {limit:,} are allowed.",
            fix="Put the long part into a file, run 'tierwise ingest FILE', and ask about it.",
        )
    if not any(_readable(char) for char in cleaned):
        raise InvalidInput("The question is empty.", fix="Write what you want to know.")
    return cleaned


def _readable(char: str) -> bool:
    # Letters, marks, numbers, punctuation and symbols; not separators, controls or invisible format characters.
    return unicodedata.category(char)[0] in "LMNPS"
