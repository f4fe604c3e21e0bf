"""Retrieved text is data: it is fenced, numbered and cannot speak with the prompt's own marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from tierwise.types import Passage

OPEN = "<passages>"
CLOSE = "</passages>"

# A look-alike keeps the text readable for the model and cannot be taken for a mark by a template or tokenizer.
_LOOKALIKES = {"<": "\u2039", "[": "\u27e6"}
_MARKS = re.compile(
    r"<(?=\s*/?\s*passages\b)"  # our own fence
    r"|<(?=[|\uff5c])"  # <|im_end|>, <|user|>, <|end|> and their full-width form
    r"|<(?=/?(?:s|bos|eos|think|tool_call|start_of_turn|end_of_turn)>)"
    r"|<(?=</?SYS>>)"
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\])",
    re.IGNORECASE,
)
_FAKE_HEADER = re.compile(r"^([^\S\n]*)\[(\d+)\]", re.MULTILINE)
_MAX_NAME = 80
_MAX_TITLE = 120
_MAX_HEAD = 400


def fence(passages: Sequence[Passage]) -> str:
    """Passages as the prompt shows them: numbered from 1, each below its source and headings, between two marks.

    A piece of a table comes with the names of its columns, a piece of a definition with its first line. A passage
    cannot close the fence, start another passage or speak in a chat template's own marks. The words are otherwise as
    they stand in the source.

    Returns:
        The block, or an empty text if there are no passages.
    """
    if not passages:
        return ""
    blocks = (f"[{n}] {told(passage)}" for n, passage in enumerate(passages, 1))
    return "\n".join((OPEN, *blocks, CLOSE))


def told(passage: Passage) -> str:
    """One passage as :func:`fence` shows it, without its number."""
    return f"{_name(passage)}\n{_body(passage)}"


def neutralise(text: str) -> str:
    """Break what a prompt could take for its own: fences, template tokens, passage numbers at the start of a line."""
    text = _MARKS.sub(lambda match: _LOOKALIKES[match[0]], text)
    return _FAKE_HEADER.sub(r"\1(\2)", text)


def _name(passage: Passage) -> str:
    # Both separators: a source may come from another system.
    name = PurePath(passage.source.replace("\\", "/")).name or passage.source
    name = neutralise(" ".join(name.split()))
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 1] + "\u2026"
    name = name if passage.page is None else f"{name}, page {passage.page}"
    title = neutralise(" ".join((passage.title or "").split()))
    return f"{name}: {title[-_MAX_TITLE:]}" if title else name


def _body(passage: Passage) -> str:
    text = passage.text.strip()
    if passage.head and passage.head not in text:
        text = f"{passage.head[:_MAX_HEAD]}\n{text}"
    return neutralise(text)
