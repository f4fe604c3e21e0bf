"""Markdown: the text as the file gives it, with its headings, lists, code and tables."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from tierwise.knowledge.document import Block, BlockKind, Document, Heading, Page
from tierwise.knowledge.reading.lines import Lines
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.yaml_marks import top_level_scalars

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_BLOCKS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
}
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_MAX_FRONT_MATTER = 20_000  # characters; more is no front matter but a text that begins with a rule
_MAX_TITLE = 300
_COMMENT = re.compile(r"<!--.*?-->")
_ANCHOR = re.compile(r"[ \t]*\{[#.:][^{}]*\}[ \t]*$")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CODE = re.compile(r"(`+)(.+?)\1")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])([*_])(?=\S)(.+?)(?<=\S)\1(?![\w*])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def read_markdown(data: bytes, name: str) -> Document:
    """Read CommonMark with tables and YAML front matter; the text stays as it is.

    The title is the front matter's, else the first heading of level 1, else the one heading above all others.

    Raises:
        InvalidInput: if the bytes are not text.
    """
    text, warnings = decode(data)
    body = 0
    title = None
    blocks: list[Block] = []
    if match := _FRONT_MATTER.match(text[:_MAX_FRONT_MATTER]):
        body = match.end()
        title = _named(match[1] or "")
        blocks.append(Block(0, len(match[0].rstrip()), "record"))
    headings, found = markdown_structure(text, body)
    title = title or _topmost(headings)
    page = Page(None, text, tuple(headings), (*blocks, *found))
    return Document(name, title, (page,), tuple(warnings), kind="markdown")


def markdown_structure(text: str, start: int = 0) -> tuple[list[Heading], list[Block]]:
    """Headings and blocks of the Markdown from ``start`` to the end of ``text``; spans count in the whole text."""
    lines = Lines(text[start:])
    headings: list[Heading] = []
    blocks: list[Block] = []
    done = start
    tokens = _parser().parse(lines.text)
    for number, token in enumerate(tokens):
        if token.map is None:
            continue
        a, b = (start + at for at in lines.span(*token.map))
        if token.type == "heading_open":
            # A heading inside of a list or a quotation says nothing about what comes after it.
            if token.level == 0 and (title := _clean(tokens[number + 1].content)):
                headings.append(Heading(a, b, int(token.tag[1]), title))
        elif (kind := _BLOCKS.get(token.type)) and a >= done and b > a:
            head = lines[token.map[0]].strip() if kind == "table" else None
            blocks.append(Block(a, b, kind, head))
            done = b
    return headings, blocks


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Blocks alone: what is inside of a line does not matter here, and its cost need not be linear.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join", "reference"])


def _topmost(headings: list[Heading]) -> str | None:
    top = min((h.level for h in headings), default=0)
    titles = [h.title for h in headings if h.level == top]
    return titles[0] if top == 1 or len(titles) == 1 else None


def _named(front_matter: str) -> str | None:
    fields = top_level_scalars(front_matter)
    return next((" ".join(fields[key].split())[:_MAX_TITLE] for key in ("title", "name") if fields.get(key)), None)


def _clean(inline: str) -> str:
    """A heading as a person says it: without links' addresses, emphasis, anchors and comments."""
    words = inline[:_MAX_TITLE]
    for pattern, kept in ((_COMMENT, ""), (_ANCHOR, ""), (_LINK, r"\1"), (_TAG, ""), (_CODE, r"\2")):
        words = pattern.sub(kept, words)
    for pattern, kept in ((_STRONG, r"\2"), (_EMPHASIS, r"\2"), (_ESCAPE, r"\1")):
        words = pattern.sub(kept, words)
    return " ".join(words.split())
