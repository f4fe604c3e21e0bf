"""Finding prompts: by what was typed in the chat, by words, by tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tierwise_app.prompts.prompt import Prompt
from tierwise_app.prompts.shelf import Shelf, suggested

_CALL = re.compile(r"\s*/([A-Za-z0-9][A-Za-z0-9-]{0,63})(?:\s+|$)")


def find_prompt(home: Path, text: str) -> Prompt | None:
    """The prompt that a message calls by beginning with ``/name``: one's own, else a suggested one."""
    if not (found := _CALL.match(text)):
        return None
    name = found[1].lower()
    return Shelf(home).get(name) or next((prompt for prompt in suggested() if prompt.name == name), None)


def rest_of(text: str) -> str:
    """What a message says after ``/name``; the whole message if it does not begin so."""
    found = _CALL.match(text)
    return text[found.end() :].strip() if found else text.strip()


def suggestions(home: Path, limit: int) -> list[Prompt]:
    """What to offer in an empty chat: one's own prompts, the latest first, then suggested ones."""
    own, _ = Shelf(home).read()
    own.sort(key=lambda prompt: prompt.updated.timestamp() if prompt.updated else 0.0, reverse=True)
    names = {prompt.name for prompt in own}
    return [*own, *(prompt for prompt in suggested() if prompt.name not in names)][:limit]


def search(prompts: Iterable[Prompt], query: str = "", tags: Sequence[str] = ()) -> list[Prompt]:
    """Prompts that hold every word of a query and carry every tag, in their order.

    Looked through are name, title, description, tags and text, whatever the case.
    """
    words = query.casefold().lstrip("/").split()
    return [p for p in prompts if set(tags) <= set(p.tags) and all(word in _text(p) for word in words)]


def all_tags(prompts: Iterable[Prompt]) -> list[str]:
    """The tags of prompts, in order of the alphabet."""
    return sorted({tag for prompt in prompts for tag in prompt.tags})


def _text(prompt: Prompt) -> str:
    return "\n".join((prompt.name, prompt.title, prompt.description, *prompt.tags, prompt.text)).casefold()
