"""Data files: JSON, JSON lines, YAML and TOML entry by entry; XML and others as the text they are."""

from __future__ import annotations

import re

from tierwise.knowledge.document import Block, Document, Page
from tierwise.knowledge.reading.json_marks import SHORT, json_values, laid_out
from tierwise.knowledge.reading.lines import basename
from tierwise.knowledge.reading.plain import decode
from tierwise.knowledge.reading.values import MAX_RECORD, TooMany, records
from tierwise.knowledge.reading.yaml_marks import yaml_values

_JSON = {"json", "jsonl", "ndjson", "geojson", "jsonc", "json5", "webmanifest"}
_YAML = {"yaml", "yml"}
_UNREADABLE = re.compile(r"[^\n]{500}|\\u[0-9A-Fa-f]{4}")
_TOML = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*'''
    r"""|^[ \t]*(?P<open>\[\[?)[ \t]*(?P<name>[^\[\]\n]+?)[ \t]*\]\]?[ \t]*(?=\#|$)""",
    re.S | re.M,
)
_MAX_TOML = 2_000_000  # characters; its parser in Python takes a second for so many


def read_data(data: bytes, name: str) -> Document:
    """Read a data file; its entries become records with the path of their keys as head, its title is its own name.

    The text stays as it is, but JSON on overlong lines or with letters in escapes is laid out anew. What is not well
    formed is read as plain text, with a warning. YAML's aliases and tags and XML's entities stay as they are written.

    Raises:
        InvalidInput: if the bytes are not text, or values are nested without reason.
    """
    text, warnings = decode(data)
    ending = name.lower().rpartition(".")[2]
    blocks: list[Block] = []
    try:
        if ending in _JSON:
            text, blocks = _json(text)
        elif ending in _YAML:
            blocks = records(text, yaml_values(text))
        elif ending == "toml":
            blocks = _toml(text)
    except TooMany:
        warnings.append("It holds so many values that it was read as plain text, without its structure.")
    except ValueError as error:
        warnings.append(f"It is not valid {ending.upper()} ({error}), so it was read as plain text.")
    page = Page(None, text, blocks=tuple(blocks))
    return Document(name, basename(name), (page,), tuple(warnings), kind="data")


def _json(text: str) -> tuple[str, list[Block]]:
    if _UNREADABLE.search(text) is None:
        return text, records(text, json_values(text, MAX_RECORD))
    text, roots = laid_out(text, json_values(text, SHORT))
    return text, records(text, roots)


def _toml(text: str) -> list[Block]:
    """A record for each table, and one for what stands above the first."""
    import tomllib

    if len(text) > _MAX_TOML:
        raise TooMany
    try:
        tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    starts: list[tuple[int, str | None]] = [(0, None)]
    starts += [(match.start(), match["name"]) for match in _TOML.finditer(text) if match["open"]]
    blocks = []
    for (start, name), end in zip(starts, [*(at for at, _ in starts[1:]), len(text)], strict=True):
        body = text[start:end]
        if body.strip():
            blocks.append(Block(start + len(body) - len(body.lstrip()), start + len(body.rstrip()), "record", name))
    return blocks
