"""Notebooks: what is written, the code and the short text it put out; nothing is run, pictures are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from tierwise.knowledge.document import Block, Document, Heading, Page
from tierwise.knowledge.reading.markdown import markdown_structure
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.problem import Unreadable, original_of

_MAX_OUTPUT_LINES = 20
_MAX_OUTPUT = 1_500  # characters of one cell's output: enough for a small table or an error, not for a log
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\((?:data|attachment):[^()\s]*\)")


def read_notebook(data: bytes, name: str) -> Document:
    """Read a Jupyter notebook (nbformat 3 or 4) as one text: cells in their order, apart by a blank line.

    Code with its output is a block; headings, lists and code are found in Markdown cells. The title is the notebook's
    own, else its first heading of level 1.

    Raises:
        InvalidInput: if it is not a notebook.
    """
    text, warnings = decode(data)
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            "It is named .ipynb, but it is not a notebook.",
            fix="Save it again in Jupyter.",
            original=original_of(error),
        ) from error
    cells = list(_cells(notebook))
    if not cells and not (isinstance(notebook, dict) and "nbformat" in notebook):
        raise Unreadable("It is named .ipynb, but it is not a notebook.", fix="Save it again in Jupyter.")
    writer = _Writer()
    for cell in cells:
        writer.cell(cell)
    if writer.left_out:
        warnings.append(f"Outputs that are no text, such as pictures, were left out: {writer.left_out}.")
    title = _text(_dict(_dict(notebook).get("metadata")).get("title")).strip() or None
    title = title or next((h.title for h in writer.headings if h.level == 1), None)
    page = Page(None, "".join(writer.parts), tuple(writer.headings), tuple(writer.blocks))
    return Document(name, title, (page,), tuple(warnings), kind="notebook")


class _Writer:
    """Puts cells one under the other."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.headings: list[Heading] = []
        self.blocks: list[Block] = []
        self.left_out = 0
        self._length = 0

    def cell(self, cell: dict[str, object]) -> None:
        kind = cell.get("cell_type")
        source = _text(cell.get("source", cell.get("input"))).strip("\n")
        if kind == "code":
            outputs = "\n".join(filter(None, (self._output(output) for output in _dicts(cell.get("outputs")))))
            start = self._put("\n\n".join(filter(str.strip, (source, _bounded(outputs)))))
            if self._length > start:
                self.blocks.append(Block(start, self._length, "code"))
        elif kind == "heading":  # nbformat 3
            level = cell.get("level")
            level = min(max(level, 1), 6) if isinstance(level, int) else 1
            start = self._put(source)
            title = " ".join(source.split())
            if title:
                self.headings.append(Heading(start, self._length, level, title))
        elif kind == "markdown":
            source = _IMAGE.sub(r"\1", source)
            start = self._put(source)
            headings, blocks = markdown_structure(source)
            self.headings += [replace(h, start=h.start + start, end=h.end + start) for h in headings]
            self.blocks += [replace(b, start=b.start + start, end=b.end + start) for b in blocks]
        else:
            self._put(source)

    def _put(self, text: str) -> int:
        """Write a text apart from the one before; returns where it starts."""
        if text.strip():
            gap = "\n\n" if self._length else ""
            self.parts += (gap, text)
            self._length += len(gap) + len(text)
            return self._length - len(text)
        return self._length

    def _output(self, output: dict[str, object]) -> str:
        kind = output.get("output_type")
        if kind == "stream":
            return _text(output.get("text"))
        if kind in ("error", "pyerr"):
            return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
        bundle = _dict(output.get("data")) or output
        plain = _text(bundle.get("text/plain", bundle.get("text"))) or _text(bundle.get("text/markdown"))
        pictured = any(key.startswith(("image/", "application/", "text/html")) or key in ("png", "jpeg", "svg", "html")
                       for key in bundle)  # fmt: skip
        if pictured and (not plain.strip() or (plain.startswith("<") and plain.rstrip().endswith(">"))):
            self.left_out += 1  # what is said of it is no more than `<Figure size 640x480>`
            return ""
        return plain


def _bounded(output: str) -> str:
    output = _TERMINAL.sub("", output[: 20 * _MAX_OUTPUT]).strip("\n")
    lines = output.split("\n")
    kept = "\n".join(lines[:_MAX_OUTPUT_LINES])[:_MAX_OUTPUT]
    return kept if len(kept) == len(output) else f"{kept}\n[...]"


def _cells(notebook: object) -> Iterator[dict[str, object]]:
    top = _dict(notebook)
    yield from _dicts(top.get("cells"))
    for sheet in _dicts(top.get("worksheets")):  # nbformat 3
        yield from _dicts(sheet.get("cells"))


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """A notebook's text: a string, or a list of its lines."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else ""
