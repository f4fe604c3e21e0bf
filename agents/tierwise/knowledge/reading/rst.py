"""reStructuredText: the text as the file gives it, with its headings, lists, literal blocks, tables and definitions."""

from __future__ import annotations

import re

from tierwise.knowledge.document import Block, BlockKind, Document, Heading, Page
from tierwise.knowledge.reading.lines import Lines
from tierwise.knowledge.reading.plain import decode

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*[ \t]*")
_GRID = re.compile(r"[ \t]*\+(?:-+\+)+[ \t]*")
_SIMPLE = re.compile(r"[ \t]*=+(?:[ \t]+=+)+[ \t]*")
_ITEM = re.compile(
    r"[ \t]*(?:[*+\-\u2022\u2023\u2043]|\(?(?:[0-9]{1,9}|#|[A-Za-z]|[ivxlcdmIVXLCDM]{1,9})[.)])(?:[ \t]+(?=\S)|[ \t]*$)"
)
_DIRECTIVE = re.compile(
    r"[ \t]*\.\.[ \t]+(?:\|[^|]{1,200}\|[ \t]+)?([A-Za-z0-9][\w:.+-]{0,80})[ \t]?::(?:[ \t]+(.*))?$"
)
_EXPLICIT = re.compile(r"[ \t]*\.\.(?:[ \t]|$)")
_CODE = {"code", "code-block", "sourcecode", "parsed-literal", "math", "literalinclude", "graphviz", "productionlist"}
_CODE |= {"prompt", "doctest", "testcode", "testoutput", "ipython", "mermaid", "digraph"}
_TABLES = {"table", "list-table", "csv-table", "flat-table"}
# What Sphinx's domains define: `py:function`, or `function` where the domain is the default one.
_DEFINED = {"function", "method", "class", "exception", "attribute", "data", "module", "staticmethod", "classmethod"}
_DEFINED |= {"decorator", "property", "option", "envvar", "confval", "macro", "type", "struct", "member", "enum", "var"}
_DEFINED |= {
    "enumerator",
    "cmdoption",
    "program-option",
    "directive",
    "role",
    "setting",
    "opcode",
    "describe",
    "object",
}
_BRINGS_IN = {"include", "literalinclude"}
_MOST_NAMED = 5
_MARKUP = re.compile(
    r":[\w:+.-]{1,60}:`([^`<]*?)(?:[ \t]*<[^`<>]*>)?`|`([^`<]*?)(?:[ \t]*<[^`<>]*>)?`_{0,2}|\*\*?([^*]+)\*\*?"
)


def read_rst(data: bytes, name: str) -> Document:
    """Read reStructuredText; the text stays as it is, nothing is included or run.

    The title is the first heading of the highest level.

    Raises:
        InvalidInput: if the bytes are not text.
    """
    text, warnings = decode(data)
    reader = _Reader(text)
    reader.read()
    if reader.left_out:
        named = ", ".join(reader.left_out[:_MOST_NAMED]) + (" and others" if len(reader.left_out) > _MOST_NAMED else "")
        warnings.append(f"It includes other files, which are not read with it: {named}.")
    title = next((h.title for h in reader.headings if h.level == 1), None)
    page = Page(None, text, tuple(reader.headings), tuple(reader.blocks))
    return Document(name, title, (page,), tuple(warnings), kind="rst")


class _Reader:
    """Goes through the lines once. Each step takes the lines of one construct and says where it goes on."""

    def __init__(self, text: str) -> None:
        self.headings: list[Heading] = []
        self.blocks: list[Block] = []
        self.left_out: list[str] = []
        self._lines = Lines(text)
        self._styles: list[tuple[str, bool]] = []  # adornments in order of appearance: the levels
        self._definition: tuple[int, int, str] | None = None  # first line, indentation and head of the open one
        # Where the next line with less indentation is, for every line: a body is found in one step, not by search.
        self._indents = [_indent(self._lines[n]) for n in range(len(self._lines))]
        self._dedents = _dedents(self._indents)

    def read(self) -> None:
        at, paragraph_before = 0, False
        while at < len(self._lines):
            line = self._lines[at]
            if not line.strip():
                at, paragraph_before = at + 1, False
                continue
            self._close_definition(at, self._indents[at])
            after = self._heading(at, paragraph_before) or self._construct(at, line)
            if after is None:
                after = self._paragraph_line(at, line)
                paragraph_before = after == at + 1
            else:
                paragraph_before = False
            at = after
        self._close_definition(len(self._lines), 0)

    def _heading(self, at: int, paragraph_before: bool) -> int | None:
        lines = self._lines
        if _ADORNMENT.fullmatch(lines[at]) and at + 2 < len(lines):
            over, words, under = lines[at].rstrip(), lines[at + 1].rstrip(), lines[at + 2].rstrip()
            if under == over and words.strip() and len(over) >= min(len(words), 4) and not _ADORNMENT.fullmatch(words):
                self._found((over[0], True), at, at + 3, words)
                return at + 3
        if not paragraph_before and at + 1 < len(lines) and self._indents[at] == 0:
            words, under = lines[at].rstrip(), lines[at + 1].rstrip()
            if _ADORNMENT.fullmatch(under) and not _ADORNMENT.fullmatch(words) and len(under) >= min(len(words), 4):
                if under == "::":
                    return None
                self._found((under[0], False), at, at + 2, words)
                return at + 2
        return None

    def _found(self, style: tuple[str, bool], first: int, after: int, words: str) -> None:
        if style not in self._styles:
            self._styles.append(style)
        title = " ".join(_MARKUP.sub(lambda m: m[1] or m[2] or m[3] or "", words[:300]).replace("\\", "").split())
        if title:
            level = self._styles.index(style) + 1
            self.headings.append(Heading(*self._lines.span(first, after), level, title))

    def _construct(self, at: int, line: str) -> int | None:
        if _EXPLICIT.match(line):
            return self._explicit(at, line)
        if _GRID.fullmatch(line) or _SIMPLE.fullmatch(line):
            return self._table(at, line)
        if _ITEM.match(line):
            return self._list(at)
        return None

    def _explicit(self, at: int, line: str) -> int:
        """A directive, or a comment, footnote, target: what comes with it is indented."""
        body_end = self._body_end(at)
        match = _DIRECTIVE.match(line)
        if match is None:
            # Comments are in the text, but what is set out in them is no part of the document's structure.
            return body_end if not line.strip().startswith((".. [", ".. _")) else at + 1
        name, argument = match[1].lower().rpartition(":")[2], (match[2] or "").strip()
        if name in _BRINGS_IN and argument:
            self.left_out.append(argument[:100])
        if name in _CODE:
            self._add("code", at, body_end)
            return body_end
        if name in _TABLES:
            self._add("table", at, body_end, argument or None)
            return body_end
        if name in _DEFINED and argument:
            self._close_definition(at, 0)
            self._definition = (at, self._indents[at], argument)
        return at + 1

    def _table(self, at: int, line: str) -> int:
        lines, after = self._lines, at + 1
        if _GRID.fullmatch(line):
            while after < len(lines) and lines[after].lstrip().startswith(("+", "|")):
                after += 1
        else:
            # It ends with a border that a blank line follows; rows may have blank lines between them.
            borders = 1
            while after < len(lines):
                border = _SIMPLE.fullmatch(lines[after]) is not None
                borders += border
                blank_next = after + 1 >= len(lines) or not lines[after + 1].strip()
                after += 1
                if border and borders > 1 and blank_next:
                    break
                if after < len(lines) and lines[after].strip() and self._indents[after] < self._indents[at]:
                    break
            if borders < 2:
                return at + 1
        head = next((lines[n].strip() for n in range(at + 1, after) if any(c.isalnum() for c in lines[n])), None)
        self._add("table", at, after, head)
        return after

    def _list(self, at: int) -> int | None:
        """Items one after the other, each with what is indented under it."""
        after, indent = at, self._indents[at]
        while after < len(self._lines) and self._indents[after] == indent and _ITEM.match(self._lines[after]):
            after = self._body_end(after)
        before_next = self._lines[after] if after < len(self._lines) and after == at + 1 else ""
        if before_next.strip() and self._indents[after] <= indent:
            return None  # a sentence that begins like an item, such as "A. Turing"
        self._add("list", at, after)
        return after

    def _paragraph_line(self, at: int, line: str) -> int:
        if not line.rstrip().endswith("::"):
            return at + 1
        first = at + 1
        while first < len(self._lines) and not self._lines[first].strip():
            first += 1
        if first == at + 1 or first == len(self._lines) or self._indents[first] <= self._indents[at]:
            return at + 1
        end = self._body_end(at)
        self._add("code", first, end)
        return end

    def _body_end(self, at: int) -> int:
        """The line after all that is indented deeper than this one."""
        return self._dedents[at]

    def _close_definition(self, at: int, indent: int) -> None:
        if self._definition is None or indent > self._definition[1]:
            return
        (first, _, head), self._definition = self._definition, None
        self._add("record", first, at, head)

    def _add(self, kind: BlockKind, first: int, after: int, head: str | None = None) -> None:
        if self._definition is not None:
            return  # it is a part of what is defined there
        start, end = self._lines.span(first, after)
        self.blocks.append(Block(start, end, kind, head))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else -1


def _dedents(indents: list[int]) -> list[int]:
    """For each line the next one that is not blank and is indented no deeper."""
    found = [len(indents)] * len(indents)
    waiting: list[int] = []
    for at, indent in enumerate(indents):
        if indent < 0:
            continue
        while waiting and indents[waiting[-1]] >= indent:
            found[waiting.pop()] = at
        waiting.append(at)
    return found
